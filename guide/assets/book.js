// For every reader: sorts tables, and mends what keeps mdBook's own pages from being used by
// keyboard or by screen reader. Without it the book is read as it stands.
(() => {
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
                // In a column of numbers, what is not known comes before them all.
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

    // The button of the table of contents is a label: it takes no focus and no key.
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

    // What can be scrolled must be reachable by keyboard.
    for (const block of document.querySelectorAll("main pre > code, main .table-wrapper")) {
        block.tabIndex = 0;
    }
})();
