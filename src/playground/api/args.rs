//! The arguments of a Web API call, whichever way they were sent.

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use super::Fail;
use crate::playground::world::{Call, World};

/// Arguments by name; those sent as JSON in a string (`blocks`, `view`, `metadata`) are decoded.
pub(super) struct Args(Map<String, Value>);

impl Args {
    pub(super) fn read(query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut args = Map::new();
        let json = headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|t| t.as_bytes().starts_with(b"application/json"));
        let form = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let form = form.chain(url::form_urlencoded::parse(if json { b"" } else { body }));
        for (name, value) in form {
            let value = match name.as_ref() {
                "blocks" | "view" | "metadata" | "attachments" => {
                    serde_json::from_str(&value).unwrap_or_else(|_| json!(value))
                }
                _ => json!(value),
            };
            args.insert(name.into_owned(), value);
        }
        if json && let Ok(Value::Object(sent)) = serde_json::from_slice(body) {
            for (name, value) in sent {
                let decoded = match (name.as_str(), value.as_str()) {
                    ("blocks" | "view" | "metadata" | "attachments", Some(text)) => {
                        serde_json::from_str(text).ok()
                    }
                    _ => None,
                };
                args.insert(name, decoded.unwrap_or(value));
            }
        }
        Self(args)
    }

    pub(super) fn token(&self, headers: &HeaderMap) -> Option<String> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        bearer
            .and_then(|value| value.strip_prefix("Bearer "))
            .or_else(|| self.text("token"))
            .map(str::to_owned)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, Fail> {
        let missing = || {
            Fail::with("invalid_arguments", vec![format!("[ERROR] missing required field: {name}")])
        };
        self.text(name).ok_or_else(missing)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| *value == true || value == "true" || value == "1")
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        let value = self.get(name)?;
        value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .or_else(|| value.as_str()?.parse().ok())
    }
}

impl World {
    pub(super) fn log_call(&mut self, method: &str, args: &Args) -> usize {
        let mut shown = args.0.clone();
        shown.remove("token");
        self.calls.push(Call {
            method: method.to_owned(),
            args: Value::Object(shown),
            answer: Value::Null,
            at: super::super::wire::now(),
        });
        self.calls.len() - 1
    }
}
