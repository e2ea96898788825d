// Slack's mrkdwn as DOM: *bold* _italic_ ~strike~ `code` ```blocks``` > quotes, <links>, mentions, :emoji:.
import { h } from "./dom.js";

const EMOJI = {
  mag: "🔍", mag_right: "🔎", eyes: "👀", white_check_mark: "✅", heavy_check_mark: "✔️", ballot_box_with_check: "☑️", x: "❌",
  warning: "⚠️", rotating_light: "🚨", fire: "🔥", tada: "🎉", bulb: "💡", wave: "👋", thinking_face: "🤔", raised_hands: "🙌",
  clap: "👏", "+1": "👍", thumbsup: "👍", "-1": "👎", pray: "🙏", rocket: "🚀", hourglass: "⌛", hourglass_flowing_sand: "⏳",
  clock1: "🕐", calendar: "📅", date: "📅", memo: "📝", pencil: "✏️", page_facing_up: "📄", paperclip: "📎", link: "🔗", lock: "🔒",
  unlock: "🔓", key: "🔑", bell: "🔔", no_bell: "🔕", mute: "🔇", speech_balloon: "💬", question: "❓", grey_question: "❔",
  exclamation: "❗", information_source: "ℹ️", point_right: "👉", arrow_right: "➡️", arrow_up: "⬆️", arrow_down: "⬇️",
  chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", bar_chart: "📊", moneybag: "💰", dollar: "💵", star: "⭐",
  star2: "🌟", sparkles: "✨", trophy: "🏆", medal: "🏅", sports_medal: "🏅", heart: "❤️", green_heart: "💚", bug: "🐛", wrench: "🔧", hammer: "🔨",
  hammer_and_wrench: "🛠️", gear: "⚙️", package: "📦", door: "🚪", books: "📚", book: "📖", bookmark: "🔖", label: "🏷️", microscope: "🔬",
  test_tube: "🧪", stethoscope: "🩺", compass: "🧭", scales: "⚖️", balance_scale: "⚖️", seedling: "🌱", recycle: "♻️", see_no_evil: "🙈",
  no_entry_sign: "🚫", octagonal_sign: "🛑", white_circle: "⚪", large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴",
  large_blue_circle: "🔵", black_circle: "⚫", white_large_square: "⬜", black_square_button: "🔲", one: "1️⃣", two: "2️⃣", three: "3️⃣",
  handshake: "🤝", muscle: "💪", smile: "😄", slightly_smiling_face: "🙂", sweat_smile: "😅", joy: "😂", email: "📧", mailbox: "📫", shield: "🛡️",
  "female-detective": "🕵️‍♀️", detective: "🕵️", sleuth_or_spy: "🕵️", parking: "🅿️", leftwards_arrow_with_hook: "↩️", repeat: "🔁", zzz: "💤",
};

export const emoji = (name) => EMOJI[name];
const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const withEmoji = (text) => plain(text).replace(/:([a-z0-9_+-]+):/g, (all, name) => EMOJI[name] || all);

/** Plain text of a plain_text object, emoji included. */
export const plainText = (object) => (object ? String(object.text).replace(/:([a-z0-9_+-]+):/g, (all, name) => EMOJI[name] || all) : "");

const TOKEN = /`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(?=\S)([^*\n]*?\S)\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*?\S)_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*?\S)~(?![\w~])|(https?:\/\/[^\s<>|]*[^\s<>|.,;:!?)])/g;

/** Marks within one line. */
function inline(text, names) {
  const out = [];
  let last = 0;
  for (const match of text.matchAll(TOKEN)) {
    out.push(withEmoji(text.slice(last, match.index)));
    const [all, code, angle, bold, italic, strike, url] = match;
    if (code !== undefined) out.push(h("code", {}, plain(code)));
    else if (angle !== undefined) out.push(special(angle, names));
    else if (url !== undefined) out.push(link(plain(url)));
    else if (bold !== undefined) out.push(h("strong", {}, inline(bold, names)));
    else if (italic !== undefined) out.push(h("em", {}, inline(italic, names)));
    else out.push(h("s", {}, inline(strike, names)));
    last = match.index + all.length;
  }
  out.push(withEmoji(text.slice(last)));
  return out;
}

/** What stands between angle brackets: a link, a mention, a channel, a date. */
function special(inside, names) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : plain(inside.slice(bar + 1));
  if (target.startsWith("@")) return h("span", { class: "mention" }, `@${names.user(target.slice(1)) || label || target.slice(1)}`);
  if (target.startsWith("#")) return h("span", { class: "mention" }, `#${names.channel(target.slice(1)) || label || target.slice(1)}`);
  if (target.startsWith("!date^")) {
    const [, seconds, format] = target.split("^");
    return h("time", {}, dateText(Number(seconds), format) || label);
  }
  if (target.startsWith("!subteam^")) return h("span", { class: "mention" }, label || "@group");
  if (target.startsWith("!")) return h("span", { class: "mention loud" }, `@${target.slice(1)}`);
  const url = plain(target);
  if (!/^(https?:|mailto:)/i.test(url)) return `<${plain(inside)}>`;
  return link(url, label || url.replace(/^mailto:/, ""));
}

const link = (url, label) => h("a", { href: url, target: "_blank", rel: "noreferrer" }, label || url);

function dateText(seconds, format) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return "";
  const day = date.toLocaleDateString("en", { month: "short", day: "numeric", year: "numeric" });
  const time = date.toLocaleTimeString("en", { hour: "numeric", minute: "2-digit" });
  return format.replace(/\{date[a-z_]*\}/g, day).replace(/\{time[a-z_]*\}/g, time).replace(/\{day_divider_pretty\}/g, day);
}

const isQuote = (line) => /^(&gt;|>)/.test(line);
const unquote = (line) => line.replace(/^(&gt;|>) ?/, "");
const bullet = (line) => /^(\s*)(?:[•◦▪‣-]|(\d+)\.)\s+(.*)$/.exec(line);

/** Lines outside code blocks: quotes, lists, text. */
function lines(text, names) {
  const out = [];
  const all = text.split("\n");
  for (let i = 0; i < all.length; i += 1) {
    if (isQuote(all[i])) {
      const quoted = [];
      for (; i < all.length && isQuote(all[i]); i += 1) quoted.push(unquote(all[i]));
      i -= 1;
      out.push(h("blockquote", {}, lines(quoted.join("\n"), names)));
    } else if (bullet(all[i])) {
      const items = [];
      const ordered = bullet(all[i])[2];
      for (let item; i < all.length && (item = bullet(all[i])) && Boolean(item[2]) === Boolean(ordered); i += 1) {
        items.push(h("li", { class: item[1].length > 1 ? "deep" : null }, inline(item[3], names)));
      }
      i -= 1;
      out.push(h(ordered ? "ol" : "ul", { start: ordered && ordered !== "1" ? ordered : null }, items));
    } else if (all[i].trim() === "") {
      if (i > 0 && i < all.length - 1) out.push(h("span", { class: "gap" }));
    } else {
      out.push(h("span", { class: "line" }, inline(all[i], names)));
    }
  }
  return out;
}

/** A mrkdwn text as nodes. */
export function mrkdwn(text, names) {
  return String(text ?? "").split("```").flatMap((part, index) => {
    if (index % 2 === 1) return [h("pre", { tabindex: "0" }, plain(part.replace(/^\n|\n$/g, "")))];
    return part === "" ? [] : lines(part.replace(/^\n|\n$/g, ""), names);
  });
}
