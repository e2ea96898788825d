// Small tools for building the page. Text always goes in as text nodes, never as markup.

/** An element with properties and children; `on…` are listeners, the rest are attributes. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const $ = (id) => document.getElementById(id);

const PATHS = {
  hash: "M9 4 7 20M17 4l-2 16M4 9h17M3 15h17",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  home: "M4 11.5 12 5l8 6.5V20h-5.5v-5h-5v5H4z",
  send: "M4 12 20 5l-5 15-3.5-6.5z",
  reply: "M4 5h16v11H11l-5 4v-4H4z",
  more: "M12 5.5v.6M12 11.7v.6M12 17.9v.6",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14 6l-6 6 6 6",
  menu: "M4 7h16M4 12h16M4 17h16",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  code: "M9 8l-4 4 4 4M15 8l4 4-4 4",
  plus: "M12 5v14M5 12h14",
  eye: "M3 12s3.5-6 9-6 9 6 9 6-3.5 6-9 6-9-6-9-6zM12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  link: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1",
};

/** A line icon; hidden from screen readers. */
export function icon(name) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS(ns, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Brings a container's children in line with [key, signature, build]; unchanged nodes stay, with focus and state. */
export function keyed(container, items) {
  const old = new Map([...container.children].map((node) => [node.dataset.key, node]));
  let changed = false;
  const nodes = items.map(([key, signature, build]) => {
    const kept = old.get(key);
    if (kept && kept.signature === signature) return kept;
    const node = build();
    node.dataset.key = key;
    node.signature = signature;
    changed = true;
    return node;
  });
  const same = nodes.length === container.children.length && nodes.every((node, i) => node === container.children[i]);
  if (!same) {
    nodes.forEach((node, i) => {
      if (container.children[i] !== node) container.insertBefore(node, container.children[i] || null);
    });
    while (container.children.length > nodes.length) container.lastElementChild.remove();
  }
  return changed || !same;
}

/** Asks the server; throws with the reason when it refuses. */
async function ask(url, options) {
  const answer = await (await fetch(url, options)).json();
  if (answer.ok === false) throw new Error(answer.error);
  return answer;
}

export const getState = (user) => ask(`/page/state?user=${encodeURIComponent(user || "")}`);

export async function act(user, what, args) {
  try {
    const body = JSON.stringify({ user, act: what, ...args });
    return (await ask("/page/act", { method: "POST", headers: { "content-type": "application/json" }, body })).value;
  } catch (error) {
    toast(error.message);
    return undefined;
  }
}

export async function upload(about, content) {
  try {
    await ask(`/page/upload?${new URLSearchParams(about)}`, { method: "POST", body: content });
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}

let toastTimer;
export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 6000);
}

let menuOwner = null;

/** Opens a menu at a button: [{label, run, danger, href, id}]; arrows, Home, End and Escape work. */
export function openMenu(button, items) {
  const menu = $("menu");
  menuOwner = button;
  menu.replaceChildren(...items.map((item) => h(item.href ? "a" : "button", {
    role: "menuitem", tabindex: "-1", type: item.href ? null : "button", class: item.danger ? "danger" : null,
    href: item.href, target: item.href ? "_blank" : null, rel: "noreferrer",
    "data-testid": item.id ? `option-${item.id}` : null,
    onclick: () => { closeMenu(); if (item.run) item.run(); },
  }, h("span", {}, item.label), item.note ? h("small", {}, item.note) : null)));
  // A modal dialog is in the top layer: its menus must be inside it to be seen.
  (button.closest("dialog") || document.body).append(menu);
  menu.hidden = false;
  button.setAttribute("aria-expanded", "true");
  const at = button.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - menu.offsetWidth - 8));
  const below = at.bottom + 4 + menu.offsetHeight < innerHeight;
  menu.style.left = `${left}px`;
  menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - menu.offsetHeight - 4)}px`;
  menu.firstElementChild?.focus();
}

export function closeMenu() {
  if ($("menu").hidden) return;
  $("menu").hidden = true;
  menuOwner?.setAttribute("aria-expanded", "false");
  menuOwner?.focus();
  menuOwner = null;
}

document.addEventListener("pointerdown", (event) => {
  if (!event.target.closest("#menu") && event.target.closest("button") !== menuOwner) closeMenu();
});

document.addEventListener("keydown", (event) => {
  if ($("menu").hidden) return;
  const items = [...$("menu").children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: (at + 1) % items.length, ArrowUp: (at - 1 + items.length) % items.length, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) items[to].focus();
  else if (event.key === "Escape" || event.key === "Tab") closeMenu();
  else return;
  event.preventDefault();
});

/** A small question with fields: [{name, label, kind, value}]; resolves to the values, or null when dismissed. */
export function question(title, fields, verb, words) {
  const dialog = $("ask");
  return new Promise((resolve) => {
    const inputs = fields.map((field) => [field, h(field.kind === "text" ? "textarea" : "input", {
      id: `ask-${field.name}`, name: field.name, type: field.kind === "check" ? "checkbox" : field.kind === "text" ? null : "text",
      value: field.kind === "check" ? null : field.value || "", rows: field.kind === "text" ? 10 : null, "data-testid": `ask-${field.name}`,
    })]);
    const form = h("form", {
      method: "dialog",
      onsubmit: (event) => {
        event.preventDefault();
        const values = Object.fromEntries(inputs.map(([field, node]) => [field.name, field.kind === "check" ? node.checked : node.value]));
        dialog.onclose = null;
        dialog.close();
        resolve(values);
      },
    },
    h("header", {}, h("h2", {}, title), h("button", { type: "button", class: "plain", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"))),
    h("div", { class: "fields" }, words && h("p", {}, words), inputs.map(([field, node]) => h("div", { class: field.kind === "check" ? "field inline" : "field" },
      field.kind === "check" ? node : null, h("label", { for: node.id }, field.label), field.kind === "check" ? null : node))),
    h("footer", {}, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
      h("button", { class: "primary", "data-testid": "ask-submit" }, verb)));
    dialog.replaceChildren(form);
    dialog.setAttribute("aria-label", title);
    dialog.onclose = () => resolve(null);
    dialog.showModal();
    inputs[0]?.[1].focus();
  });
}
