//! placeholder
use crate::engine::Engine;
use crate::http::{Request, Response};
pub(crate) fn serve(_: &mut Engine, _: &Request) -> Response {
    Response::empty(404)
}
