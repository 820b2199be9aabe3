//! placeholder
use crate::auth::Key;
use crate::engine::Engine;
use crate::http::{Request, Response};
use crate::problem::Problem;
pub(crate) fn serve(_: &mut Engine, _: &Request, _: Key, _: impl Fn() -> Result<(), Problem>) -> Response {
    Response::empty(404)
}
pub(crate) fn serve_metadata(_: &mut Engine, _: &Request, _: Key) -> Response {
    Response::empty(404)
}
