// The chat page: one person's view of the workspace, kept in step with the server.
import { $, act, getState, h, icon, keyed, openMenu, question, toast, upload } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { avatar, showMessages } from "./messages.js";
import { showViews } from "./modal.js";

const wide = matchMedia("(min-width: 900px)");
const app = {
  /** Whose eyes the page looks through; `begun` follows once their state is here. */
  me: location.hash.slice(1).split("/")[0],
  begun: null,
  state: null,
  place: null,
  thread: null,
  editing: null,
  read: new Map(),
  since: null,
  quietUntil: 0,
  names: { user: (id) => person(id)?.real_name, channel: (id) => app.state.channels.find((one) => one.id === id)?.name },
  handle: (id) => person(id)?.name || id,
  channel: () => app.state.channels.find((one) => one.id === app.place),
  openThread(ts) { app.thread = ts; remember(); draw(); $("thread-foot").querySelector("textarea")?.focus(); },
  edit(ts) { app.editing = ts; draw(); },
};

const person = (id) => (id === app.state.app.user_id
  ? { real_name: app.state.app.name, name: app.state.app.name.replace(/ /g, "").toLowerCase() }
  : app.state.people.find((one) => one.id === id));
const messages = (channel) => app.state.messages[channel] || [];
const inChannel = (message) => !message.thread_ts || message.thread_ts === message.ts || message.subtype === "thread_broadcast";
const whispers = (thread) => app.state.ephemerals
  .filter((one) => one.channel === app.place && (one.message.thread_ts || null) === thread).map((one) => one.message);
const inOrder = (list) => list.sort((a, b) => (a.ts < b.ts ? -1 : 1));

/** Who, where and which thread stand in the address, so that a reload or a link keeps them. */
function remember() {
  const parts = [app.state.me, app.place, app.thread].filter(Boolean);
  history.replaceState(null, "", `#${parts.join("/")}`);
}

async function refresh() {
  try {
    const { me } = app;
    const state = await getState(me);
    // Asked before the person changed: not for the eyes of now.
    if (me !== app.me) return;
    app.state = state;
    if (app.begun !== me) begin();
    app.begun = me;
    draw();
  } catch {
    toast("The playground has stopped.");
  }
}

function begin() {
  const [, place, thread] = location.hash.slice(1).split("/");
  const known = app.state.channels.some((one) => one.id === place) || place === "home";
  app.place = known ? place : (app.state.channels.find((one) => one.bot && !one.im && one.name !== "general") || app.state.channels[0]).id;
  app.thread = thread || null;
  // What stood there when the page was opened counts as read, for everybody.
  app.since ??= app.state.channels.map((one) => newest(one.id)).sort().at(-1) || "0";
  if (app.place === "home") act(app.state.me, "home");
}

const newest = (channel) => messages(channel).at(-1)?.ts || "0";
const unread = (channel) => {
  const since = app.read.get(`${app.state.me} ${channel}`) || app.since;
  return messages(channel).filter((one) => one.ts > since && one.user !== app.state.me).length;
};

function draw() {
  if (!app.state) return;
  const { state } = app;
  document.title = `${state.team.name} — playground`;
  if (document.visibilityState === "visible") app.read.set(`${state.me} ${app.place}`, newest(app.place));
  followTheBot();
  drawAbout();
  drawSidebar();
  drawMain();
  drawThread();
  showViews(state, { names: app.names, people: state.people, channels: state.channels });
}

/** Where there is room, the first answer of the bot to one's own message opens its thread. */
let followed = "";
function followTheBot() {
  const answer = messages(app.place).findLast((one) => one.user === app.state.app.user_id && one.thread_ts && one.thread_ts !== one.ts);
  if (!answer || answer.ts === followed) return;
  const early = followed === "" && Date.now() / 1000 - Number(answer.ts) > 10;
  followed = answer.ts;
  const root = messages(app.place).find((one) => one.ts === answer.thread_ts);
  if (!early && !app.thread && wide.matches && root?.user === app.state.me) { app.thread = root.ts; remember(); }
}

function drawAbout() {
  const { state } = app;
  keyed($("about"), [["about", JSON.stringify([state.connected, state.levers, state.app.name]), () => h("span", { class: "row" },
    h("span", { class: `dot ${state.connected ? "on" : ""}`, "aria-hidden": "true" }),
    h("span", { class: "grow" }, h("b", {}, state.connected ? `${state.app.name} is here. ` : `${state.app.name} is not connected. `),
      h("span", { class: "long" }, "This is a local stand-in for Slack. "), "Nothing leaves this machine."),
    state.levers.map(([id, words]) => h("button", { type: "button", "data-testid": `lever-${id}`, onclick: () => act(state.me, "lever", { id }) }, words)))]]);
}

function drawSidebar() {
  const { state } = app;
  const room = (one) => {
    const count = one.id === app.place ? 0 : unread(one.id);
    const here = app.place === one.id;
    const name = one.im ? state.app.name : one.name;
    const sign = [here, count, name, one.archived, one.ext_shared];
    return [one.id, JSON.stringify(sign), () => h("button", {
      type: "button", class: `room ${here ? "here" : ""} ${count ? "unread" : ""} ${one.archived ? "archived" : ""}`, "aria-current": here ? "page" : null,
      "data-testid": `channel-${one.im ? "dm" : one.name}`, onclick: () => go(one.id),
    }, one.im ? avatar(state.app.user_id, app) : icon(one.private ? "lock" : "hash"), h("span", { class: "grow" }, name),
    one.ext_shared && h("span", { class: "soft", title: "Shared with another organisation" }, "shared"),
    count > 0 && h("span", { class: "badge", "aria-label": `${count} unread` }, String(count)))];
  };
  const me = person(state.me);
  keyed($("sidebar"), [
    ["team", state.team.name + state.me, () => h("button", {
      type: "button", class: "team", "aria-haspopup": "menu", "aria-expanded": "false", "data-testid": "people",
      onclick: (event) => openMenu(event.currentTarget, state.people.map((one) => ({
        label: one.real_name, note: `${one.title} · ${one.tz}`, id: one.name, run: () => become(one.id),
      }))),
    }, avatar(state.me, app), h("span", { class: "grow" }, h("b", {}, state.team.name), h("small", {}, `You are ${me.real_name}`)), h("span", { class: "change" }, "Switch"))],
    ["rooms", "", () => h("h2", {}, "Channels")],
    ...state.channels.filter((one) => !one.im).sort((a, b) => a.name.localeCompare(b.name)).map(room),
    ["new", "", () => h("button", { type: "button", class: "room soft", "data-testid": "new-channel", onclick: newChannel }, icon("plus"), "Add channel")],
    ["apps", "", () => h("h2", {}, "Apps")],
    ["home", String(app.place === "home"), () => h("button", {
      type: "button", class: `room ${app.place === "home" ? "here" : ""}`, "aria-current": app.place === "home" ? "page" : null, "data-testid": "home",
      onclick: () => { go("home"); act(state.me, "home"); },
    }, icon("home"), h("span", { class: "grow" }, `${state.app.name} home`))],
    ...state.channels.filter((one) => one.im).map(room),
  ]);
}

function go(place) {
  app.place = place;
  app.thread = null;
  document.body.classList.remove("drawer");
  remember();
  draw();
  $("foot").querySelector("textarea")?.focus();
}

async function become(user) {
  location.hash = `#${user}/${app.place}/${app.thread || ""}`;
  app.me = user;
  await refresh();
}

async function newChannel() {
  const answer = await question("Add a channel", [
    { name: "name", label: "Name", value: "" }, { name: "private", label: "Private: only members see it", kind: "check" },
  ], "Create");
  const name = answer?.name.trim().toLowerCase().replace(/[^a-z0-9_-]+/g, "-");
  if (!name) return;
  const id = await act(app.state.me, "create_channel", { name, private: answer.private });
  await refresh();
  if (id) go(id);
}

function drawMain() {
  const { state } = app;
  const one = app.channel();
  const home = app.place === "home";
  const title = home ? `${state.app.name} home` : one?.im ? state.app.name : one?.name || "";
  keyed($("head"), [["head", JSON.stringify([app.place, title, one?.topic, one?.bot, one?.archived, one?.members.length]), () => h("div", { class: "row" },
    h("button", { type: "button", class: "plain narrow", "aria-label": "Channels", "data-testid": "drawer", onclick: () => document.body.classList.toggle("drawer") }, icon("menu")),
    h("div", { class: "grow titles" }, h("h1", {}, !home && !one?.im && icon(one?.private ? "lock" : "hash"), title), one?.topic && h("p", { class: "soft" }, one.topic)),
    one && !one.im && !one.bot && h("button", { type: "button", "data-testid": "invite", onclick: () => act(state.me, "invite", { channel: one.id, who: state.app.user_id }) }, `Add ${state.app.name}`),
    one && !one.im && h("button", { type: "button", class: "plain", "aria-label": "Channel actions", "aria-haspopup": "menu", "aria-expanded": "false", "data-testid": "channel-menu", onclick: (event) => openMenu(event.currentTarget, channelMenu(one)) }, icon("more")))]]);
  if (home) {
    keyed($("list"), [["home", `${state.home?.hash}`, () => h("div", { class: "kit home" }, state.home
      ? renderBlocks(state.home.blocks, {
        names: app.names, people: state.people, channels: state.channels,
        act: (action_id, pick) => act(state.me, "view_act", { view_id: state.home.id, action_id, pick }),
      })
      : h("p", { class: "soft" }, `${state.app.name} has not published a home for you yet.`))]]);
    $("foot").replaceChildren();
    return;
  }
  showMessages($("list"), inOrder([...messages(app.place).filter(inChannel), ...whispers(null)]), "channel", app);
  if ($("list").children.length === 0) {
    keyed($("list"), [["empty", app.place, () => h("p", { class: "empty soft" }, `This is the beginning of ${title}. Write something below.`)]]);
  }
  composer($("foot"), null);
}

function channelMenu(one) {
  const { me } = app.state;
  return [
    { label: "Rename channel", id: "rename", run: async () => {
      const answer = await question("Rename the channel", [{ name: "name", label: "Name", value: one.name }], "Rename");
      if (answer?.name) act(me, "rename", { channel: one.id, name: answer.name.trim() });
    } },
    one.bot
      ? { label: `Remove ${app.state.app.name}`, id: "kick", danger: true, run: () => act(me, "kick", { channel: one.id }) }
      : { label: `Add ${app.state.app.name}`, id: "invite", run: () => act(me, "invite", { channel: one.id, who: app.state.app.user_id }) },
    { label: one.archived ? "Unarchive channel" : "Archive channel", id: "archive", danger: !one.archived, run: () => act(me, "archive", { channel: one.id, archived: !one.archived }) },
  ];
}

function drawThread() {
  const replies = app.thread ? messages(app.place).filter((one) => one.ts === app.thread || one.thread_ts === app.thread) : [];
  $("thread").hidden = replies.length === 0;
  document.body.classList.toggle("threaded", replies.length > 0);
  if (replies.length === 0) return;
  const close = () => { app.thread = null; remember(); draw(); };
  keyed($("thread-head"), [["head", app.place, () => h("div", { class: "row" },
    h("button", { type: "button", class: "plain narrow", "aria-label": "Back", onclick: close }, icon("back")),
    h("div", { class: "grow titles" }, h("h1", {}, "Thread"), h("p", { class: "soft" }, app.channel()?.im ? app.state.app.name : `#${app.channel()?.name}`)),
    h("button", { type: "button", class: "plain wide", "aria-label": "Close thread", "data-testid": "close-thread", onclick: close }, icon("close")))]]);
  showMessages($("thread-list"), inOrder([...replies, ...whispers(app.thread)]), "thread", app);
  composer($("thread-foot"), app.thread);
}

/** The box one types in; kept while its place stays the same, so that a draft survives every redraw. */
function composer(foot, thread) {
  const one = app.channel();
  const { state } = app;
  const chips = state.hints.filter((hint) => hint.in_thread === Boolean(thread));
  keyed(foot, [[`${app.place} ${thread}`, JSON.stringify([one?.archived, state.me, chips]), () => {
    if (one?.archived) return h("p", { class: "soft archived-note" }, "This channel is archived.");
    const id = thread ? "thread-composer" : "composer";
    const where = thread ? "Reply…" : one?.im ? `Message ${state.app.name}` : `Message #${one?.name}`;
    const box = h("textarea", { rows: 1, placeholder: where, "aria-label": where, "data-testid": id, id });
    const also = h("input", { type: "checkbox", id: "broadcast" });
    const tips = h("p", { class: "tips soft", "aria-live": "polite", "data-testid": thread ? "thread-quiet" : "quiet" });
    const grow = () => {
      box.style.height = "auto";
      box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
      tips.dataset.usage = box.value.startsWith("/") && !thread ? usage(box.value) : "";
    };
    const send = async () => {
      const text = box.value.trim();
      if (!text) return;
      box.value = "";
      grow();
      const said = await act(state.me, "say", { channel: app.place, text, thread_ts: thread, broadcast: also.checked });
      if (said === undefined) { box.value = text; grow(); return; }
      if (state.quiet_ms && !thread && said) app.quietUntil = Date.now() + state.quiet_ms;
    };
    box.addEventListener("input", grow);
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
    });
    const fill = (text) => { box.value = text; grow(); box.focus(); };
    return h("div", { class: "composer" },
      chips.length > 0 && h("div", { class: "chips", role: "group", "aria-label": "Examples to try" }, h("span", { class: "soft" }, "Try"),
        chips.map((hint) => h("button", { type: "button", class: "chip", "data-testid": "hint", title: hint.text, onclick: () => fill(hint.text) }, hint.label))),
      h("div", { class: "box" }, box, h("div", { class: "row" },
        h("button", { type: "button", class: "plain", title: "Upload a file", "aria-label": "Upload a file", onclick: () => pickFile(thread) }, icon("file")),
        h("button", { type: "button", class: "plain", title: "Create a text snippet", "aria-label": "Create a text snippet", "data-testid": thread ? "thread-snippet" : "snippet", onclick: () => snippet(thread) }, icon("code")),
        thread && h("label", { class: "also" }, also, h("span", {}, "Also send to channel")),
        h("span", { class: "grow" }),
        h("button", { type: "button", class: "send", "aria-label": "Send", title: "Send (Enter)", "data-testid": thread ? "thread-send" : "send", onclick: send }, icon("send")))),
      tips);
  }]]);
}

function usage(text) {
  const known = app.state.app.commands.find(([name]) => text.startsWith(name) || name.startsWith(text));
  return known ? `${known[0]} ${known[1]}` : "No such command here.";
}

async function snippet(thread) {
  const answer = await question("Create a text snippet", [
    { name: "name", label: "Title", value: "snippet.txt" }, { name: "text", label: "Content", kind: "text" },
  ], "Share");
  if (answer?.text) share(answer.name || "snippet.txt", answer.text, thread, true);
}

function pickFile(thread) {
  const input = h("input", { type: "file" });
  input.addEventListener("change", () => input.files[0] && share(input.files[0].name, input.files[0], thread, false));
  input.click();
}

function share(name, content, thread, made) {
  const about = { channel: app.place, user: app.state.me, name, thread_ts: thread || "" };
  if (made) about.snippet = "1";
  return upload(about, content);
}

/** The line under the composer: a command's usage, or how long the bot still waits. */
setInterval(() => {
  const left = app.quietUntil - Date.now();
  for (const tips of document.querySelectorAll(".tips")) {
    const wait = left > 0 && !tips.dataset.usage && tips.dataset.testid === "quiet";
    const text = tips.dataset.usage || (wait ? `${app.state.app.name} waits ${app.state.quiet_ms / 1000} s in case a person asks first — ${(left / 1000).toFixed(1)} s` : "");
    if (tips.textContent !== text) tips.textContent = text;
    tips.classList.toggle("waiting", wait);
    tips.setAttribute("aria-live", wait ? "off" : "polite");
  }
}, 100);

/** One refresh at a time; what changes while one is under way is fetched by the next. */
let stale = false;
let busy = false;
async function soon() {
  stale = true;
  if (busy) return;
  busy = true;
  while (stale) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    stale = false;
    await refresh();
  }
  busy = false;
}

$("shade").addEventListener("click", () => document.body.classList.remove("drawer"));
document.addEventListener("visibilitychange", draw);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.classList.contains("drawer")) document.body.classList.remove("drawer");
});
const live = new EventSource("/page/live");
live.addEventListener("message", soon);
live.addEventListener("error", () => toast("The playground has stopped. Start it again to go on."));
refresh();
