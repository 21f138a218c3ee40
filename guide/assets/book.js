// For every reader: makes tables sortable, and fixes what keeps mdBook's pages from being used with
// the keyboard or a screen reader. The book is complete without it.
(() => {
    // The heading of each column becomes a button that sorts the table by it.
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
