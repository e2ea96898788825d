//! `oauth.v2.access`: codes and refresh tokens become tokens, each once.

use axum::http::{HeaderMap, header};
use serde_json::{Value, json};

use super::{Args, Outcome};
use crate::playground::ids;
use crate::playground::world::World;

/// `Basic` credentials for this client, as they stand in a header.
pub(super) fn is_client(headers: &HeaderMap, id: &str, secret: &str) -> bool {
    let sent = headers.get(header::AUTHORIZATION).map(axum::http::HeaderValue::as_bytes);
    sent == Some(basic(id, secret).as_bytes())
}

fn basic(id: &str, secret: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let plain = format!("{id}:{secret}");
    let mut text = "Basic ".to_owned();
    for three in plain.as_bytes().chunks(3) {
        let byte = |place: usize| u32::from(three.get(place).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

pub(super) fn access(world: &mut World, args: &Args) -> Outcome {
    match args.text("grant_type") {
        Some("refresh_token") => renew(world, args),
        _ => redeem(world, args),
    }
}

fn redeem(world: &mut World, args: &Args) -> Outcome {
    let code = world.tokens.codes.get_mut(args.need("code")?).ok_or("invalid_code")?;
    if std::mem::replace(&mut code.used, true) {
        return Err("code_already_used".into());
    }
    if args.text("redirect_uri") != Some(&code.redirect_uri) {
        return Err("bad_redirect_uri".into());
    }
    let scopes = code.scopes.split(',').map(str::to_owned).collect();
    world.options.app.scopes = scopes;
    // Without rotation, installing again gives the same token.
    if world.options.token_life.is_some() || world.bot_token.is_empty() {
        new_tokens(world);
    }
    Ok(granted(world))
}

fn renew(world: &mut World, args: &Args) -> Outcome {
    if world.tokens.refresh.as_deref() != Some(args.need("refresh_token")?) {
        return Err("invalid_refresh_token".into());
    }
    new_tokens(world);
    Ok(granted(world))
}

/// `auth.revoke`: the bot's tokens end, and with them the installation.
pub(super) fn revoke(world: &mut World) -> Value {
    world.uninstalled();
    json!({ "revoked": true })
}

/// The older token goes on until its time; the older refresh token is used up.
fn new_tokens(world: &mut World) {
    let token = format!("xoxb-{}-{}", ids::random(12), ids::random(24));
    let older = std::mem::replace(&mut world.bot_token, token);
    world.tokens.older.insert(older);
    world.tokens.refresh = world.options.token_life.map(|_| format!("xoxe-1-{}", ids::random(40)));
}

fn granted(world: &World) -> Value {
    let (team, app) = (&world.options.workspace, &world.options.app);
    let org = world.options.org_wide;
    let named = |id: &Value| json!({ "id": id, "name": team.name });
    let mut answer = json!({
        "app_id": app.id, "authed_user": { "id": team.people.first().map(|p| &p.id) },
        "scope": app.scopes.join(","), "token_type": "bot", "access_token": world.bot_token,
        "bot_user_id": app.user_id, "is_enterprise_install": org,
        "team": if org { Value::Null } else { named(&json!(team.id)) },
        "enterprise": if org { named(&world.enterprise()) } else { Value::Null },
    });
    if let (Some(life), Some(refresh)) = (world.options.token_life, &world.tokens.refresh) {
        answer["expires_in"] = json!(life.as_secs());
        answer["refresh_token"] = json!(refresh);
    }
    answer
}
