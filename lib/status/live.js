(() => {
  "use strict";
  const EVERY = 2000;
  const PATIENCE = 10_000;
  const pulse = document.getElementById("pulse");
  const button = document.getElementById("pause");
  let paused = false;
  let answered = new Date();

  function say(text, level) {
    if (pulse.textContent !== text) pulse.textContent = text;
    pulse.className = level;
    document.getElementById("live").classList.toggle("stale", level === "bad");
  }

  async function look() {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(String(answer.status));
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (paused) return;
    if (next.documentElement.dataset.version !== document.documentElement.dataset.version) {
      location.reload();
      return;
    }
    take(next);
    answered = new Date();
    say("Live", "ok");
  }

  /** What was scrolled stays so, and what has the focus keeps it. */
  function take(next) {
    const scrolled = Array.from(document.querySelectorAll(".scroll"), ({ scrollLeft }) => scrollLeft);
    const focused = document.activeElement?.id;
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = next.getElementById(part.id);
      if (fresh !== null) part.replaceWith(document.adoptNode(fresh));
    }
    document.querySelectorAll(".scroll").forEach((box, i) => (box.scrollLeft = scrolled[i] ?? 0));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  async function again() {
    // Nobody looks, or somebody is about to copy what is there.
    if (!paused && !document.hidden && (document.getSelection()?.isCollapsed ?? true)) {
      try {
        await look();
      } catch {
        if (!paused) say(`No answer since ${answered.toLocaleTimeString()}`, "bad");
      }
    }
    setTimeout(again, EVERY);
  }

  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Go on" : "Pause";
    say(paused ? "Paused" : "Live", paused ? "busy" : "ok");
  });
  button.hidden = false;
  say("Live", "ok");
  setTimeout(again, EVERY);
})();
