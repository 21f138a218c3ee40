// Loaded only where `cargo run -p guide` serves the book: reloads the page when the book has
// changed, and says what keeps it from being built.
(() => {
    const notice = document.createElement("pre");
    notice.className = "fault";
    notice.setAttribute("role", "alert");

    let edition;
    const events = new EventSource("/live");
    events.addEventListener("edition", (event) => {
        notice.remove();
        edition ??= event.data;
        if (edition !== event.data) {
            location.reload();
        }
    });
    events.addEventListener("fault", (event) => {
        notice.textContent = event.data;
        document.querySelector("main").prepend(notice);
    });
})();
