// Modals: the topmost view of the stack in a <dialog>, its fields, its errors.
import { $, act, closeMenu, h, icon } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { plainText } from "./mrkdwn.js";

let shown = null;

/** Shows the topmost of the open views, or closes the dialog. */
export function showViews(state, context) {
  const dialog = $("modal");
  const top = state.views.at(-1);
  if (!top) {
    if (dialog.open) { closeMenu(); dialog.close(); }
    shown = null;
    return;
  }
  const signature = `${top.view.id} ${top.view.hash}`;
  if (shown?.signature !== signature) {
    const kept = { ...fromState(top.view), ...(shown?.id === top.view.id ? filled() : {}) };
    build(dialog, state, top, context, kept, signature);
    if (!dialog.open) dialog.showModal();
    dialog.querySelector(".fields input, .fields textarea, .fields select, footer button")?.focus();
  }
  // Told once: an error that was answered by filling the field does not come back with the next redraw.
  const told = JSON.stringify(top.errors);
  if (shown.told !== told) showErrors(top.errors);
  shown.told = told;
}

/** What stands in the fields, by block id. */
export function filled() {
  const values = {};
  for (const [block, controls] of shown?.fields || []) {
    values[block] = Object.fromEntries(Object.entries(controls).map(([action, read]) => [action, read()]));
  }
  return values;
}

/** What the server knows of the fields, in the shape of `filled`: after a push the view below shows it again. */
function fromState(view) {
  const pick = (told) => {
    const [, value] = Object.entries(told).find(([key]) => key === "value" || key.startsWith("selected_")) || [];
    return Array.isArray(value) ? value.map((one) => one.value ?? one) : value?.value ?? value;
  };
  const each = (object, change) => Object.fromEntries(Object.entries(object || {}).map(([key, value]) => [key, change(value)]));
  return each(view.state?.values, (block) => each(block, pick));
}

function build(dialog, state, top, context, kept, signature) {
  const view = top.view;
  const fields = new Map();
  shown = { signature, id: view.id, fields, user: state.me };
  const close = () => act(state.me, "close", { view_id: view.id });
  const blocks = renderBlocks(view.blocks, {
    ...context, fields, kept, act: (action_id, pick) => act(state.me, "view_act", { view_id: view.id, action_id, pick, filled: filled() }),
  });
  const title = h("h2", { id: "modal-title" }, plainText(view.title));
  const form = h("form", {
    novalidate: true,
    oninput: (event) => answered(event.target.closest(".field")),
    onsubmit: async (event) => {
      event.preventDefault();
      if (!complete(view, fields)) return;
      shown.told = null;
      form.setAttribute("aria-busy", "true");
      await act(state.me, "submit", { view_id: view.id, filled: filled() });
      form.removeAttribute("aria-busy");
    },
  },
  h("header", {}, title, h("button", { type: "button", class: "plain", "aria-label": "Close", "data-testid": "modal-close", onclick: close }, icon("close"))),
  h("div", { class: "fields" }, blocks, h("p", { class: "error", id: "field--error", role: "alert", hidden: true })),
  h("footer", {},
    h("button", { type: "button", "data-testid": "modal-cancel", onclick: close }, plainText(view.close) || "Cancel"),
    view.submit && h("button", { class: "primary", "data-testid": "modal-submit" }, plainText(view.submit))));
  dialog.setAttribute("aria-labelledby", "modal-title");
  dialog.dataset.callback = view.callback_id;
  dialog.oncancel = (event) => { event.preventDefault(); close(); };
  dialog.replaceChildren(form);
}

/** Shows which required fields are empty, as Slack's client does before it asks the app. */
function complete(view, fields) {
  const errors = {};
  for (const block of view.blocks) {
    const value = fields.get(block.block_id)?.[block.element?.action_id]?.();
    const empty = value === null || value === undefined || (Array.isArray(value) && value.length === 0);
    if (block.type === "input" && !block.optional && empty) errors[block.block_id] = "Please complete this required field.";
  }
  showErrors(errors);
  return Object.keys(errors).length === 0;
}

/** A field that is being filled is no longer wrong. */
function answered(field) {
  const note = field?.querySelector(".error");
  if (!note || note.hidden) return;
  note.hidden = true;
  field.querySelector("[aria-invalid]")?.setAttribute("aria-invalid", "false");
}

function showErrors(errors) {
  for (const node of $("modal").querySelectorAll(".error")) {
    const block = node.id.replace(/^field-/, "").replace(/-error$/, "");
    node.textContent = errors?.[block] || "";
    node.hidden = !errors?.[block];
    document.getElementById(`field-${block}`)?.setAttribute("aria-invalid", errors?.[block] ? "true" : "false");
  }
  const first = Object.keys(errors || {})[0];
  if (first) document.getElementById(`field-${first}`)?.focus();
}
