//! The workspace that an API key opens: its id is a claim of the key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use migr_load::Secret;

/// The claims that matter here.
#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "workspaceId")]
    workspace_id: String,
}

/// The id of a key's workspace; none where the key does not tell. What it says is not verified: the server does that.
pub(super) fn of_key(key: &Secret) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(key.reveal().split('.').nth(1)?).ok()?;
    let Claims { workspace_id } = serde_json::from_slice(&claims).ok()?;
    (!workspace_id.is_empty()).then_some(workspace_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_a_claim_of_the_key_and_any_other_key_tells_none() {
        let claims = r#"{"sub":"w","type":"API_KEY","workspaceId":"20202020-1c25-4d02-bf25-6aeccf7ea419","exp":1}"#;
        let key = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(of_key(&Secret::new(key)).as_deref(), Some("20202020-1c25-4d02-bf25-6aeccf7ea419"));
        let nameless = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode("{}"));
        for key in ["", "any", "sandbox-key-of-twenty-2.x", "a.b.c", &nameless] {
            assert_eq!(of_key(&Secret::new(key)), None, "{key}");
        }
    }
}
