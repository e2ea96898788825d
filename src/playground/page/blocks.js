// Block Kit as DOM. A context carries: names (for mentions), people, channels, act(action_id, pick), and in a view
// `fields`, where every control leaves how to read it, and `kept`, what was filled in before.
import { h, icon, openMenu, question } from "./dom.js";
import { mrkdwn, plainText } from "./mrkdwn.js";

/** A list of blocks. */
export function renderBlocks(blocks, context) {
  return (blocks || []).map((block) => {
    const build = BLOCKS[block.type] || unknown;
    const node = build(block, context);
    node.classList.add("block");
    node.dataset.block = block.block_id || "";
    return node;
  });
}

const BLOCKS = {
  section: (block, context) => h("div", { class: "section" },
    h("div", { class: "grow" },
      block.text && h("div", { class: "text" }, textObject(block.text, context)),
      block.fields && h("div", { class: "grid" }, block.fields.map((field) => h("div", { class: "text" }, textObject(field, context))))),
    block.accessory && h("div", { class: "accessory" }, element(block, block.accessory, context))),
  header: (block) => h("h3", { class: "header" }, plainText(block.text)),
  divider: () => h("hr"),
  context: (block, context) => h("div", { class: "context" }, block.elements.map((part) => (
    part.type === "image" ? picture(part, "tiny") : h("div", { class: "text" }, textObject(part, context))))),
  actions: (block, context) => h("div", { class: "actions" }, block.elements.map((part) => element(block, part, context))),
  image: (block) => h("figure", {}, block.title && h("figcaption", {}, plainText(block.title)), picture(block)),
  markdown: (block, context) => h("div", { class: "text" }, mrkdwn(block.text.replaceAll("**", "*"), context.names)),
  rich_text: (block, context) => h("div", { class: "text" }, mrkdwn(richText(block), context.names)),
  input: (block, context) => {
    const id = `field-${block.block_id}`;
    const control = element(block, block.element, context, id);
    const group = control.matches("fieldset");
    const optional = block.optional && h("span", { class: "soft" }, " (optional)");
    return h("div", { class: "field", "data-testid": `field-${block.block_id}` },
      group ? null : h("label", { for: id }, plainText(block.label), optional),
      group ? (control.prepend(h("legend", {}, plainText(block.label), optional)), control) : control,
      block.hint && h("p", { class: "hint", id: `${id}-hint` }, plainText(block.hint)),
      h("p", { class: "error", id: `${id}-error`, role: "alert", "data-testid": `error-${block.block_id}`, hidden: true }));
  },
};

const unknown = (block) => h("div", { class: "soft" }, `[${block.type} block]`);

function textObject(text, context) {
  return text.type === "mrkdwn" ? mrkdwn(text.text, context.names) : [h("span", { class: "line" }, plainText(text))];
}

function picture(image, size) {
  return h("img", { src: image.image_url, alt: image.alt_text, class: size || "picture", loading: "lazy" });
}

/** Plain text of a rich_text block, enough for what people type here. */
function richText(block) {
  const part = (one) => {
    if (one.type === "user") return `<@${one.user_id}>`;
    if (one.type === "channel") return `<#${one.channel_id}>`;
    if (one.type === "link") return `<${one.url}${one.text ? `|${one.text}` : ""}>`;
    if (one.type === "emoji") return `:${one.name}:`;
    if (one.elements) return one.elements.map(part).join("") + (one.type === "rich_text_section" ? "" : "\n");
    return (one.text || "").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  };
  return part(block);
}

/** An interactive element; in a view it also leaves a reader in `context.fields`. */
function element(block, part, context, id) {
  if (part.type === "image") return picture(part, "thumb");
  if (part.type === "button") return button(part, context);
  if (part.type === "overflow") return overflow(part, context);
  const make = CONTROLS[part.type];
  if (!make) return h("span", { class: "soft" }, `[${part.type}]`);
  const kept = context.kept?.[block.block_id]?.[part.action_id];
  const instant = !context.fields || block.type !== "input" || block.dispatch_action;
  const control = make(part, context, kept);
  const node = control.node;
  const target = node.matches("fieldset") ? node : node.querySelector("input,select,textarea") || node;
  if (id) target.id = id;
  else target.setAttribute("aria-label", plainText(part.placeholder) || part.action_id);
  target.dataset.testid = `input-${part.action_id}`;
  if (id) target.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  if (context.fields) context.fields.set(block.block_id, { ...context.fields.get(block.block_id), [part.action_id]: control.read });
  if (instant) node.addEventListener("change", () => context.act(part.action_id, control.read()));
  return node;
}

function button(part, context) {
  const press = async (event) => {
    if (part.confirm && !(await confirmed(part.confirm))) return;
    const node = event.target.closest("button");
    node?.setAttribute("aria-busy", "true");
    await context.act(part.action_id, null);
    node?.removeAttribute("aria-busy");
  };
  const props = { class: part.style || null, "data-testid": `action-${part.action_id}`, "aria-label": part.accessibility_label, onclick: press };
  if (part.url) return h("a", { ...props, class: `button ${part.style || ""}`, href: /^https?:/.test(part.url) ? part.url : null, target: "_blank", rel: "noreferrer" }, plainText(part.text));
  return h("button", { ...props, type: "button" }, plainText(part.text));
}

const confirmed = (confirm) => question(plainText(confirm.title), [], plainText(confirm.confirm), plainText(confirm.text));

function overflow(part, context) {
  return h("button", {
    type: "button", class: "more", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": "More actions",
    "data-testid": `action-${part.action_id}`,
    onclick: (event) => openMenu(event.currentTarget, part.options.map((option) => ({
      label: plainText(option.text), note: plainText(option.description), id: option.value,
      href: /^https?:/.test(option.url || "") ? option.url : null, run: () => context.act(part.action_id, option.value),
    }))),
  }, icon("more"));
}

const text = (type) => (part, context, kept) => {
  const initial = kept ?? part.initial_value ?? "";
  const node = part.multiline
    ? h("textarea", { rows: 4, placeholder: plainText(part.placeholder), maxlength: part.max_length || 3000, value: initial })
    : h("input", { type, placeholder: plainText(part.placeholder), maxlength: part.max_length || 3000, value: initial, step: part.is_decimal_allowed ? "any" : null, min: part.min_value, max: part.max_value });
  return { node, read: () => node.value || null };
};

const options = (part) => (part.option_groups
  ? part.option_groups.map((group) => [plainText(group.label), group.options])
  : [[null, part.options || []]]);

/** One of several: [value, label] pairs, perhaps in groups. */
function select(groups, chosen, placeholder) {
  const choice = ([value, label]) => h("option", { value, selected: value === chosen }, label);
  const node = h("select", {}, h("option", { value: "" }, placeholder || "Choose…"),
    groups.map(([label, all]) => (label ? h("optgroup", { label }, all.map(choice)) : all.map(choice))));
  return { node, read: () => node.value || null };
}

/** Several of several, as a list of check boxes. */
function many(pairs, chosen) {
  const boxes = pairs.map(([value, label, note]) => {
    const box = h("input", { type: "checkbox", value, checked: chosen.includes(value) });
    return [box, h("label", { class: "choice" }, box, h("span", {}, label, note && h("small", {}, note)))];
  });
  const node = h("fieldset", { class: boxes.length > 8 ? "choices tall" : "choices" }, boxes.map(([, label]) => label));
  return { node, read: () => boxes.filter(([box]) => box.checked).map(([box]) => box.value) };
}

const label = (object) => plainText(object);
const pair = (option) => [option.value, label(option.text), option.description && label(option.description)];
const flat = (part) => options(part).flatMap(([, all]) => all.map(pair));
const grouped = (part) => options(part).map(([name, all]) => [name, all.map(pair)]);
const people = (context) => context.people.map((person) => [person.id, person.real_name]);
const rooms = (context) => context.channels.filter((one) => !one.im && !one.archived).map((one) => [one.id, `#${one.name}`]);
const one = (list, initial) => (part, context, kept) => select(list(part, context), kept ?? initial(part) ?? "", plainText(part.placeholder));
const several = (list, initial) => (part, context, kept) => many(list(part, context), kept ?? initial(part) ?? []);

function native(type, key, toPick, fromPick) {
  return (part, context, kept) => {
    const initial = kept ?? part[key];
    const node = h("input", { type, value: initial ? fromPick(initial) : "" });
    return { node, read: () => (node.value ? toPick(node.value) : null) };
  };
}

const same = (value) => value;
const local = (seconds) => {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

let radios = 0;
function radio(part, context, kept) {
  radios += 1;
  const chosen = kept ?? part.initial_option?.value;
  const boxes = flat(part).map(([value, words, note]) => {
    const box = h("input", { type: "radio", name: `radio-${radios}`, value, checked: value === chosen });
    return [box, h("label", { class: "choice" }, box, h("span", {}, words, note && h("small", {}, note)))];
  });
  const node = h("fieldset", { class: "choices" }, boxes.map(([, words]) => words));
  return { node, read: () => boxes.find(([box]) => box.checked)?.[0].value ?? null };
}

const CONTROLS = {
  plain_text_input: text("text"),
  number_input: text("number"),
  email_text_input: text("email"),
  url_text_input: text("url"),
  static_select: one(grouped, (part) => part.initial_option?.value),
  external_select: one(grouped, () => null),
  users_select: one((part, context) => [[null, people(context)]], (part) => part.initial_user),
  conversations_select: one((part, context) => [[null, rooms(context)]], (part) => part.initial_conversation),
  channels_select: one((part, context) => [[null, rooms(context)]], (part) => part.initial_channel),
  multi_static_select: several(flat, (part) => part.initial_options?.map((option) => option.value)),
  checkboxes: several(flat, (part) => part.initial_options?.map((option) => option.value)),
  multi_users_select: several((part, context) => people(context), (part) => part.initial_users),
  multi_conversations_select: several((part, context) => rooms(context), (part) => part.initial_conversations),
  multi_channels_select: several((part, context) => rooms(context), (part) => part.initial_channels),
  radio_buttons: radio,
  datepicker: native("date", "initial_date", same, same),
  timepicker: native("time", "initial_time", same, same),
  datetimepicker: native("datetime-local", "initial_date_time", (value) => Math.floor(new Date(value).getTime() / 1000), local),
};
