// Loaded only where `cargo run -p guide` serves the book: reloads the page when the book has
// changed, and shows why the book could not be built.
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

    // A reload would end the programs that run on this page, so wait for them.
    function reload() {
        if (document.querySelector(".stop:not(:disabled)")) {
            setTimeout(reload, 500);
        } else {
            location.reload();
        }
    }

    // A browser opens six connections to a server for all of its tabs together, so only a visible tab
    // listens. A tab that was opened in the background is hidden from the start.
    function listenWhenVisible() {
        events?.close();
        if (!document.hidden) {
            listen();
        }
    }
    document.addEventListener("visibilitychange", listenWhenVisible);
    listenWhenVisible();
})();
