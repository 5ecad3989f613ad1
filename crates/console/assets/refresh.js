// Fetches the page of a run under way again and puts its new content in place, without moving the reader.
const SECONDS = 2;
async function refresh() {
  const main = document.querySelector("main[data-refresh]");
  if (!main) return;
  if (!main.contains(document.activeElement)) {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const next = fresh.querySelector("main");
        if (next) main.replaceWith(next);
        document.title = fresh.title;
      }
    } catch { /* The server may be restarting; the next try tells. */ }
  }
  setTimeout(refresh, SECONDS * 1000);
}
setTimeout(refresh, SECONDS * 1000);
