// Eyes and hands inside the page: everything waits for a condition, and says what it saw when the condition does not come.
globalThis.hands = (() => {
  const DEADLINE = 25_000;

  /** Resolves to the first true value of `look`, asked again after every change of the page. */
  function until(what, look) {
    return new Promise((resolve, reject) => {
      const watch = new MutationObserver(check);
      const end = (finish, value) => {
        clearTimeout(timer);
        watch.disconnect();
        removeEventListener("scroll", check, true);
        removeEventListener("resize", check);
        finish(value);
      };
      const timer = setTimeout(() => end(reject, new Error(`${what} did not come. The page says:\n${document.body.innerText}`)), DEADLINE);
      function check() {
        const value = look();
        if (value) end(resolve, value);
      }
      watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      addEventListener("scroll", check, true);
      addEventListener("resize", check);
      check();
    });
  }

  const visible = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const find = (where, words) => [...document.querySelectorAll(where)].findLast((node) => visible(node) && node.textContent.includes(words));

  /** Where a finger meets the element: its middle, when nothing else lies over it. */
  function reach(node) {
    node.scrollIntoView({ block: "nearest", behavior: "instant" });
    const box = node.getBoundingClientRect();
    const at = { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    return node.contains(document.elementFromPoint(at.x, at.y)) && at;
  }

  let target = null;
  return {
    /** The text of the last visible element that has the words. */
    sees: async (where, words) => (await until(`${where} with "${words}"`, () => find(where, words))).innerText,
    gone: (where) => until(`the end of ${where}`, () => !find(where, "")),
    /** The point to press; `pressed` tells whether the press arrived. */
    aim: (where, words) => until(`something to press at ${where} with "${words}"`, () => {
      const node = find(where, words);
      const at = node && reach(node);
      if (!at) return false;
      target = { hit: false };
      node.addEventListener("click", ((aimed) => () => { aimed.hit = true; })(target), { once: true, capture: true });
      return at;
    }),
    pressed: () => target.hit,
    /** A native list opens outside the page, so its choice is made by value. */
    choose: async (where, value) => {
      const list = await until(`the list ${where}`, () => find(where, ""));
      list.value = value;
      for (const name of ["input", "change"]) list.dispatchEvent(new Event(name, { bubbles: true }));
      return list.value === value;
    },
    /** Elements that stick out of the window to the right, unless they scroll on their own. */
    sticking: () => [...document.querySelectorAll("body *")]
      .filter((node) => visible(node) && node.getBoundingClientRect().right > innerWidth + 1)
      .filter((node) => { for (let up = node.parentElement; up; up = up.parentElement) if (up.scrollWidth > up.clientWidth && up !== document.body && up !== document.documentElement && getComputedStyle(up).overflowX !== "visible") return false; return true; })
      .map((node) => node.outerHTML.slice(0, 160)),
    painted: () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)))),
  };
})();
