//! Our words → Block Kit: pure, and the only place where text meets Slack's markup.

use serde_json::{Value, json};
use slack_morphism::prelude::*;

use super::decode::write_form;
use crate::domain::card::{Button, Card};
use crate::domain::form::{Field, FieldKind, FormView, Sheet};
use crate::domain::investigation::CaseNumber;
use crate::domain::message::Action;
use crate::domain::wording::{Line, Piece, plain};

/// Slack's limits, in characters (docs.slack.dev/reference/block-kit).
const SECTION_MAX: usize = 3000;
const TITLE_MAX: usize = 24;
const LABEL_MAX: usize = 75;
const FIELD_LABEL_MAX: usize = 2000;
const SHEET_BLOCKS_MAX: usize = 100;

/// What makes up a message: `text` for notifications, `blocks` for the screen.
pub(super) fn card(number: CaseNumber, card: &Card) -> Value {
    let mut blocks: Vec<SlackBlock> = sections(&card.lines);
    let mut elements: Vec<SlackActionBlockElement> =
        card.buttons.iter().map(|b| button(number, b).into()).collect();
    if !card.menu.is_empty() {
        let options =
            card.menu.iter().map(|b| choice(&value(number, b.action), &b.label)).collect();
        let menu = SlackBlockOverflowElement::new(options)
            .with_action_id(SlackActionId("menu".to_owned()));
        elements.push(menu.into());
    }
    if !elements.is_empty() {
        blocks.push(SlackActionsBlock::new(elements).into());
    }
    json!({"text": escape(&card.fallback()), "blocks": blocks})
}

/// A message of lines.
pub(super) fn lines(lines: &[Line]) -> Value {
    let fallback = lines.iter().map(plain).collect::<Vec<_>>().join("\n");
    json!({"text": escape(&fallback), "blocks": sections(lines)})
}

/// Lines as few sections as Slack's limit allows.
fn sections(lines: &[Line]) -> Vec<SlackBlock> {
    let mut texts: Vec<String> = Vec::new();
    for line in lines {
        let line = mrkdwn(line);
        match texts.last_mut() {
            Some(text) if text.chars().count() + line.chars().count() < SECTION_MAX => {
                text.push('\n');
                text.push_str(&line);
            }
            _ => texts.push(line.chars().take(SECTION_MAX).collect()),
        }
    }
    texts
        .into_iter()
        .map(|text| {
            let text =
                SlackBlockText::MarkDown(SlackBlockMarkDownText::new(text).with_verbatim(true));
            SlackSectionBlock::new().with_text(text).into()
        })
        .collect()
}

fn button(number: CaseNumber, button: &Button) -> SlackBlockButtonElement {
    let element = SlackBlockButtonElement::new(plain_text(&button.label, LABEL_MAX))
        .with_action_id(SlackActionId(button.action.as_str().to_owned()))
        .with_value(value(number, button.action));
    match button.action {
        Action::Open | Action::Close => element.with_style(SlackBlockButtonStyle::Primary),
        _ => element,
    }
}

fn value(number: CaseNumber, action: Action) -> String {
    format!("{action}:{number}")
}

fn choice(value: &str, label: &str) -> SlackBlockChoiceItem<SlackBlockPlainTextOnly> {
    SlackBlockChoiceItem::new(plain_text(label, LABEL_MAX), value.to_owned())
}

fn plain_text(text: &str, max: usize) -> SlackBlockPlainTextOnly {
    SlackBlockPlainText::new(short(text, max)).into()
}

fn short(text: &str, max: usize) -> String {
    crate::domain::investigation::cut(text, max)
}

/// A modal with fields.
pub(super) fn form(view: &FormView) -> Value {
    let mut blocks: Vec<SlackBlock> =
        view.intro.iter().flat_map(|line| sections(std::slice::from_ref(line))).collect();
    blocks.extend(view.fields.iter().map(field));
    let modal = SlackModalView::new(plain_text(&view.title, TITLE_MAX), blocks)
        .with_submit(plain_text(&view.send, TITLE_MAX))
        .with_close(plain_text(&view.cancel, TITLE_MAX))
        .with_callback_id(SlackCallbackId("form".to_owned()))
        .with_private_metadata(write_form(&view.form));
    json!(SlackView::Modal(modal))
}

fn field(field: &Field) -> SlackBlock {
    let id = SlackActionId("answer".to_owned());
    let text = |max: usize| {
        let input = SlackBlockPlainTextInputElement::new()
            .with_action_id(id.clone())
            .with_max_length(max as u64);
        match &field.initial {
            Some(initial) => input.with_initial_value(initial.chars().take(max).collect()),
            None => input,
        }
    };
    let element: SlackInputBlockElement = match &field.kind {
        FieldKind::Line(max) => text(*max).into(),
        FieldKind::Text(max) => text(*max).with_multiline(true).into(),
        FieldKind::Number => SlackBlockNumberInputElement::new(true).with_action_id(id).into(),
        FieldKind::Choice(choices) => {
            let options = choices.iter().map(|(value, label)| choice(value, label)).collect();
            SlackBlockStaticSelectElement::new().with_action_id(id).with_options(options).into()
        }
    };
    SlackInputBlock::new(plain_text(&field.label, FIELD_LABEL_MAX), element)
        .with_block_id(SlackBlockId(field.name.to_owned()))
        .with_optional(field.optional)
        .into()
}

/// A modal to read.
pub(super) fn sheet(sheet: &Sheet) -> Value {
    let mut blocks = sections(&sheet.lines);
    blocks.truncate(SHEET_BLOCKS_MAX);
    let modal = SlackModalView::new(plain_text(&sheet.title, TITLE_MAX), blocks)
        .with_close(plain_text(&sheet.done, TITLE_MAX));
    json!(SlackView::Modal(modal))
}

/// One line in Slack's mrkdwn. Words are escaped, so that an echoed `<!channel>` or link is only text.
fn mrkdwn(line: &Line) -> String {
    line.iter()
        .map(|piece| match piece {
            Piece::Text(text) => escape(text),
            Piece::Bold(text) => format!("*{}*", escape(&text.replace('*', "∗"))),
            Piece::Code(text) => format!("`{}`", escape(&text.replace('`', "ˋ"))),
            Piece::Link { url, label } => {
                format!("<{}|{}>", escape_url(url), escape(&label.replace('|', "¦")))
            }
        })
        .collect()
}

/// Slack's three characters; it does not read decoded entities again. What turns the direction of writing goes: it would
/// turn our own words too.
fn escape(text: &str) -> String {
    let text = text.replace(turns_around, "");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn turns_around(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape_url(url: &str) -> String {
    url.replace('&', "&amp;").replace('<', "%3C").replace('>', "%3E").replace('|', "%7C")
}
