//! NDJSON in, NDJSON out: one answer per line, same order, never stopping at a bad line.

use std::io::{BufRead, Write};

use anyhow::Context as _;
use serde_json::{Value, json};

/// Longest line that is read; a longer one is answered with an error and skipped.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Answers every line of `input` with `answer`, or with `{"id":…,"error":"…"}` where the line can't be read.
pub(super) fn each_line(
    mut input: impl BufRead,
    output: impl Write,
    mut answer: impl FnMut(&Value) -> Result<Value, String>,
) -> anyhow::Result<()> {
    let mut output = std::io::BufWriter::new(output);
    let mut line = Vec::new();
    let mut number = 0_u64;
    while read_line(&mut input, &mut line).context("could not read standard input")? {
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let reply = answer_line(&line, number, &mut answer);
        serde_json::to_writer(&mut output, &reply).context("could not write the answer")?;
        output.write_all(b"\n").context("could not write the answer")?;
    }
    output.flush().context("could not write the answer")
}

fn answer_line(
    line: &[u8],
    number: u64,
    answer: &mut impl FnMut(&Value) -> Result<Value, String>,
) -> Value {
    if line.len() > LINE_BYTES_MAX {
        return json!({"id": null, "error": format!("line {number}: longer than {LINE_BYTES_MAX} bytes")});
    }
    let row: Value = match serde_json::from_slice(line) {
        Ok(row) => row,
        Err(error) => {
            return json!({"id": null, "error": format!("line {number}: not JSON: {error}")});
        }
    };
    let id = row.get("id").cloned().unwrap_or(Value::Null);
    if !row.is_object() {
        return json!({"id": null, "error": format!("line {number}: not a JSON object")});
    }
    if !matches!(id, Value::String(_) | Value::Number(_)) {
        return json!({"id": id, "error": format!("line {number}: \"id\" must be a string or a number")});
    }
    match answer(&row) {
        Ok(mut reply) => {
            // `id` first, as the contract shows it.
            let mut object = serde_json::Map::new();
            object.insert("id".to_owned(), id);
            if let Value::Object(rest) = &mut reply {
                object.append(rest);
            }
            Value::Object(object)
        }
        Err(reason) => json!({"id": id, "error": format!("line {number}: {reason}")}),
    }
}

/// Reads one line into `line` without its newline; keeps only the first `LINE_BYTES_MAX + 1` bytes.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(any);
        }
        any = true;
        let (taken, done) = match chunk.iter().position(|b| *b == b'\n') {
            Some(end) => (end + 1, true),
            None => (chunk.len(), false),
        };
        let text = if done { &chunk[..taken - 1] } else { chunk };
        let room = (LINE_BYTES_MAX + 1).saturating_sub(line.len());
        line.extend_from_slice(&text[..text.len().min(room)]);
        input.consume(taken);
        if done {
            return Ok(true);
        }
    }
}

/// The string field `name`, or a reason that names it.
pub(super) fn text_field<'r>(row: &'r Value, name: &str) -> Result<&'r str, String> {
    match row.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("\"{name}\" must be a string")),
        None => Err(format!("\"{name}\" is missing")),
    }
}

/// The optional string field `name`; null counts as absent.
pub(super) fn optional_text<'r>(row: &'r Value, name: &str) -> Result<Option<&'r str>, String> {
    match row.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => text_field(row, name).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(input: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        each_line(input, &mut out, |row| Ok(json!({"n": text_field(row, "text")?.len()}))).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn answers_every_line_in_order_and_never_stops_at_a_bad_one() {
        let lines = run(b"{\"id\":\"a\",\"text\":\"four\"}\nnot json\n{\"id\":2}\n[]\n\n{\"id\":3,\"text\":\"\"}");
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[0], r#"{"id":"a","n":4}"#);
        assert!(
            lines[1].starts_with(r#"{"error":"line 2: not JSON"#)
                || lines[1].contains("line 2: not JSON")
        );
        assert!(
            lines[2].contains(r#""id":2"#) && lines[2].contains(r#"line 3: \"text\" is missing"#)
        );
        assert!(lines[3].contains("line 4: not a JSON object"));
        assert_eq!(lines[4], r#"{"id":3,"n":0}"#);
    }

    #[test]
    fn invalid_utf8_and_endless_lines_are_answered() {
        let mut input = b"{\"id\":1,\"text\":\"\xff\"}\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', LINE_BYTES_MAX + 10));
        input.extend(b"\n{\"id\":2,\"text\":\"ok\"}\n");
        let lines = run(&input);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].contains("line 1: not JSON"));
        assert!(lines[1].contains("line 2: longer than"));
        assert_eq!(lines[2], r#"{"id":2,"n":2}"#);
    }
}
