// Messages: author, text or blocks, files, reactions, replies, and what one can do with each.
import { act, h, icon, keyed, openMenu } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { emoji, mrkdwn } from "./mrkdwn.js";

const seconds = (ts) => Number(ts.split(".")[0]);
const clock = (ts) => new Date(seconds(ts) * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = (ts) => new Date(seconds(ts) * 1000).toLocaleDateString("en", { weekday: "long", month: "long", day: "numeric" });
const NOTES = ["channel_join", "channel_leave", "channel_archive", "channel_unarchive", "channel_name", "tombstone"];

/** The square with a person's initials, or the bot's glass. */
export function avatar(id, app) {
  const { state } = app;
  const bot = id === state.app.user_id;
  const person = state.people.find((one) => one.id === id);
  const words = (person?.real_name || id || "?").split(" ");
  const hue = state.people.findIndex((one) => one.id === id);
  return h("span", { class: `avatar ${bot ? "bot" : `hue${((hue % 6) + 6) % 6}`}`, "aria-hidden": "true" },
    bot ? "🔎" : words.map((word) => word[0]).slice(0, 2).join(""));
}

/** Fills a list with messages; `where` is "channel" or "thread". */
export function showMessages(container, messages, where, app) {
  const pinned = container.scrollHeight - container.scrollTop - container.clientHeight < 120;
  const items = [];
  let before = null;
  for (const message of messages) {
    if (!before || day(before.ts) !== day(message.ts)) {
      const words = day(message.ts);
      items.push([`day-${message.ts}`, words, () => h("div", { class: "day", role: "separator" }, h("span", {}, words))]);
      before = null;
    }
    const compact = before && before.user === message.user && !NOTES.includes(message.subtype) && !NOTES.includes(before.subtype)
      && seconds(message.ts) - seconds(before.ts) < 300 && Boolean(before.is_ephemeral) === Boolean(message.is_ephemeral);
    const flags = [compact, where, app.editing === message.ts, app.thread === message.ts, app.state.me, app.channel()?.archived];
    items.push([message.ts, JSON.stringify([message, flags]), () => build(message, where, compact, app)]);
    before = message;
  }
  const here = where === "thread" ? app.thread : app.place;
  const elsewhere = container.dataset.place !== here;
  container.dataset.place = here;
  if (!keyed(container, items) && !elsewhere) return;
  // The box below may still grow in this draw, so the end is sought after it.
  if (pinned || elsewhere) requestAnimationFrame(() => { container.scrollTop = container.scrollHeight; });
}

function build(message, where, compact, app) {
  if (NOTES.includes(message.subtype)) {
    return h("div", { class: "message note", "data-testid": "message", "data-ts": message.ts },
      h("div", { class: "text" }, mrkdwn(message.text, app.names)), h("time", {}, clock(message.ts)));
  }
  const bot = message.user === app.state.app.user_id;
  const blocks = (message.blocks || []).filter((block) => block.type !== "rich_text" || bot);
  const name = app.names.user(message.user) || message.username || "Somebody";
  const head = compact ? null : h("div", { class: "by" }, h("b", {}, name), bot && h("span", { class: "tag" }, "APP"),
    h("time", { title: message.ts }, clock(message.ts)));
  const broadcast = message.subtype === "thread_broadcast" && where === "channel";
  const body = h("div", { class: "body" },
    message.is_ephemeral && h("p", { class: "private" }, icon("eye"), "Only visible to you"),
    head,
    broadcast && h("p", { class: "soft small" }, "replied to a thread"),
    app.editing === message.ts ? editor(message, app) : content(message, blocks, app),
    files(message),
    reactions(message),
    where === "channel" && message.reply_count > 0 && replies(message, app));
  return h("article", {
    class: `message ${compact ? "compact" : ""} ${message.is_ephemeral ? "ephemeral" : ""} ${where === "channel" && app.thread === message.ts ? "open" : ""}`,
    "data-testid": message.is_ephemeral ? "ephemeral" : bot && blocks.length ? "card" : "message", "data-ts": message.ts, "data-user": message.user,
    "aria-label": `${name}, ${clock(message.ts)}`,
  }, compact ? h("time", { class: "gutter", "aria-hidden": "true" }, clock(message.ts)) : avatar(message.user, app), body, tools(message, where, app));
}

function content(message, blocks, app) {
  const context = {
    names: app.names, people: app.state.people, channels: app.state.channels,
    act: (action_id, pick) => act(app.state.me, "click", { channel: app.place, ts: message.ts, action_id, pick }),
  };
  const edited = message.edited && message.user !== app.state.app.user_id && h("span", { class: "soft small" }, " (edited)");
  if (blocks.length) return h("div", { class: "kit" }, renderBlocks(blocks, context), edited);
  return h("div", { class: "text" }, mrkdwn(message.text, app.names), edited);
}

function files(message) {
  return (message.files || []).map((file) => {
    const href = `/page/files/${file.id}`;
    const image = file.mimetype.startsWith("image/");
    return h("div", { class: "file", "data-testid": "file" },
      h("a", { href, target: "_blank", rel: "noreferrer" }, icon("file"), h("b", {}, file.name), h("span", { class: "soft" }, size(file.size))),
      image ? h("img", { src: href, alt: file.name, class: "picture" }) : file.preview && h("pre", { tabindex: "0" }, file.preview, file.lines > 5 && `\n… and ${file.lines - 5} more`));
  });
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} kB` : `${(bytes / (1 << 20)).toFixed(1)} MB`);

function reactions(message) {
  if (!message.reactions?.length) return null;
  return h("div", { class: "reactions" }, message.reactions.map((one) => h("span", { title: `:${one.name}:` }, emoji(one.name) || `:${one.name}:`, ` ${one.count}`)));
}

function replies(message, app) {
  const count = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
  return h("button", { type: "button", class: "replies", "data-testid": "open-thread", onclick: () => app.openThread(message.ts) },
    message.reply_users.slice(0, 4).map((user) => avatar(user, app)), h("b", {}, count), h("span", { class: "soft" }, `Last at ${clock(message.latest_reply)}`));
}

/** Reply, shortcuts, edit, delete. */
function tools(message, where, app) {
  const { me } = app.state;
  const root = message.thread_ts || message.ts;
  if (message.is_ephemeral) {
    return h("div", { class: "tools" }, h("button", { type: "button", class: "plain", "aria-label": "Dismiss", title: "Dismiss", onclick: () => act(me, "dismiss", { ts: message.ts }) }, icon("close")));
  }
  const at = { channel: app.place, ts: message.ts };
  const items = app.state.app.shortcuts.map(([id, name]) => ({ label: name, note: app.state.app.name, id, run: () => act(me, "shortcut", { ...at, callback_id: id }) }));
  if (message.user === me) {
    if (message.text) items.push({ label: "Edit message", id: "edit", run: () => app.edit(message.ts) });
    items.push({ label: "Delete message", danger: true, id: "delete", run: () => act(me, "delete", at) });
  }
  return h("div", { class: "tools" },
    where === "channel" && h("button", { type: "button", class: "plain", "aria-label": "Reply in thread", title: "Reply in thread", "data-testid": "reply", onclick: () => app.openThread(root) }, icon("reply")),
    items.length > 0 && h("button", {
      type: "button", class: "plain", "aria-label": "Message actions", title: "Message actions", "aria-haspopup": "menu", "aria-expanded": "false", "data-testid": "message-menu",
      onclick: (event) => openMenu(event.currentTarget, items),
    }, icon("more")));
}

/** The text as it was typed, before Slack's encoding. */
const typed = (text, app) => text
  .replace(/<@([A-Z0-9]+)[^>]*>/g, (all, id) => `@${app.handle(id)}`)
  .replace(/<#[A-Z0-9]+\|([^>]*)>/g, "#$1").replace(/<!(\w+)>/g, "@$1").replace(/<([^>|]+)(\|[^>]*)?>/g, "$1")
  .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

function editor(message, app) {
  const box = h("textarea", { "aria-label": "Edit message", rows: 3, value: typed(message.text, app), "data-testid": "edit-text" });
  const save = async () => {
    await act(app.state.me, "edit", { channel: app.place, ts: message.ts, text: box.value });
    app.edit(null);
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") app.edit(null);
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); save(); }
  });
  setTimeout(() => box.focus());
  return h("div", { class: "editor" }, box, h("div", { class: "row" },
    h("button", { type: "button", onclick: () => app.edit(null) }, "Cancel"),
    h("button", { type: "button", class: "primary", "data-testid": "edit-save", onclick: save }, "Save")));
}
