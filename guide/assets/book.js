// For every reader: sorts tables, remembers the language, and fixes what keeps mdBook's own pages from
// being used by keyboard or by screen reader. The book can be read without it.
(() => {
    // The first thing that Tab reaches leads past the table of contents.
    const main = document.querySelector("main");
    main.id ||= "content";
    const text = document.querySelector(".skip-words")?.dataset.skip;
    if (text) {
        const skip = document.createElement("a");
        skip.className = "skip";
        skip.href = `#${main.id}`;
        skip.textContent = text;
        document.body.prepend(skip);
    }

    // Rust or Python: what a reader chooses in one example holds for all of them, on other pages too.
    const tabs = [...document.querySelectorAll(".pair > input")];
    const choose = (number) => {
        for (const pair of document.querySelectorAll(".pair")) {
            pair.querySelectorAll(":scope > input")[number].checked = true;
        }
    };
    const KEY = "language-tab";
    const number = (tab) => [...tab.parentElement.querySelectorAll(":scope > input")].indexOf(tab);
    try {
        choose(Number(localStorage.getItem(KEY) ?? 0) === 1 ? 1 : 0);
    } catch {
        // Storage is turned off: every page begins with Rust.
    }
    for (const tab of tabs) {
        tab.addEventListener("change", () => {
            // The page must not move under the reader.
            const before = tab.getBoundingClientRect().top;
            choose(number(tab));
            scrollBy(0, tab.getBoundingClientRect().top - before);
            try {
                localStorage.setItem(KEY, number(tab));
            } catch {
                // As above.
            }
        });
    }

    // A table is sorted by a button in the heading of a column.
    for (const table of document.querySelectorAll("table.sortable")) {
        const body = table.tBodies[0];
        const headings = [...table.tHead.rows[0].cells];
        headings.forEach((heading, column) => {
            const button = document.createElement("button");
            button.type = "button";
            button.textContent = heading.textContent;
            heading.replaceChildren(button);
            button.addEventListener("click", () => {
                const ascending = heading.ariaSort !== "ascending";
                headings.forEach((other) => (other.ariaSort = null));
                heading.ariaSort = ascending ? "ascending" : "descending";
                // In a column of numbers, unknown values sort below all others.
                const compare = (one, other) =>
                    one.classList.contains("number")
                        ? (one.dataset.value ?? -1) - (other.dataset.value ?? -1)
                        : one.textContent.localeCompare(other.textContent);
                const rows = [...body.rows].sort((one, other) =>
                    compare(one.cells[column], other.cells[column]),
                );
                body.append(...(ascending ? rows : rows.reverse()));
            });
        });
    }

    // The button of the table of contents is a label, which takes neither focus nor keys.
    const toggle = document.getElementById("mdbook-sidebar-toggle");
    if (toggle) {
        toggle.tabIndex = 0;
        toggle.setAttribute("role", "button");
        toggle.addEventListener("keydown", (event) => {
            if (event.key === "Enter" || event.key === " ") {
                event.preventDefault();
                toggle.click();
            }
        });
    }

    // Everything that scrolls must be reachable with the keyboard.
    for (const block of document.querySelectorAll("main pre > code, main .table-wrapper")) {
        block.tabIndex = 0;
    }
})();
