// Loaded only where `cargo run -p guide` serves the book: reloads the page when the book has
// changed, and says what keeps it from being built.
(() => {
    const notice = document.createElement("pre");
    notice.className = "fault";
    notice.setAttribute("role", "alert");
    const main = document.querySelector("main");

    let edition;
    let events;

    function listen() {
        events = new EventSource("/live");
        events.addEventListener("edition", (event) => {
            notice.remove();
            edition ??= event.data;
            if (edition !== event.data) {
                reload();
            }
        });
        events.addEventListener("fault", (event) => {
            notice.textContent = event.data;
            main.prepend(notice);
        });
    }

    // A reload would end what runs on this page, so wait for it.
    function reload() {
        if (document.querySelector(".stop:not(:disabled)")) {
            setTimeout(reload, 500);
        } else {
            location.reload();
        }
    }

    // A browser keeps a few connections to a server for all of its tabs, so only the one that is
    // looked at listens.
    document.addEventListener("visibilitychange", () => {
        events.close();
        if (!document.hidden) {
            listen();
        }
    });
    listen();
})();
