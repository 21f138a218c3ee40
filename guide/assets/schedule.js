// Steps through the schedules of a program, and lets the reader be the scheduler. Without it all
// steps of the recorded schedules are on the page.
(() => {
    const element = (tag, properties = {}, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children);
        return made;
    };
    const button = (text, label, onclick) =>
        element("button", { type: "button", textContent: text, ariaLabel: label, onclick });

    // In the book's language.
    const table = document.querySelector(".schedule-words");
    if (!table) {
        return;
    }
    const words = JSON.parse(table.textContent);
    const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

    for (const figure of document.querySelectorAll("figure.schedule")) {
        addStepper(figure);
        const chooser = figure.querySelector(".chooser");
        if (chooser) {
            addChooser(chooser, figure.dataset.schedule);
        }
    }

    function addStepper(figure) {
        const name = figure.dataset.schedule;
        const tables = [...figure.querySelectorAll(".twin .steps")].map((table) => [
            ...table.tBodies[0].rows,
        ]);
        const most = Math.max(...tables.map((rows) => rows.length));
        // Line numbers differ between the twins from the start; what the threads do doesn't.
        const states = (row) =>
            row && [...row.cells].slice(1, -1).map((cell) => cell.textContent).join();
        const difference =
            1 + [...Array(most).keys()].find((row) => states(tables[0][row]) !== states(tables[1][row]));
        let at = most;

        const status = element("span", { className: "status", role: "status" });
        const show = (step) => {
            at = Math.min(Math.max(step, 1), most);
            for (const rows of tables) {
                rows.forEach((row, index) => {
                    row.classList.toggle("later", index >= at);
                    row.classList.toggle("current", index === at - 1);
                });
            }
            status.textContent = fill(words.step_of, { at, most });
        };
        const all = () => {
            show(most);
            tables.forEach((rows) => rows.forEach((row) => row.classList.remove("current")));
            status.textContent = words.all_steps;
        };
        const actions = [
            [words.first, () => show(1)],
            [words.back, () => show(at - 1)],
            [words.forward, () => show(at + 1)],
            [words.difference, () => show(difference)],
            [words.all_steps, all],
        ];
        const bar = element(
            "div",
            { className: "buttons", role: "group", ariaLabel: fill(words.stepper, { name }) },
            ...actions.map(([text, action]) => button(text, `${text}: ${name}`, action)),
            status,
        );
        bar.addEventListener("keydown", (event) => {
            const step = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 1, End: most }[event.key];
            if (step !== undefined) {
                event.preventDefault();
                event.stopPropagation(); // with these keys mdBook goes to the next page
                show(step);
            }
        });
        figure.querySelector(".twins").before(bar);
        status.textContent = words.all_steps;
    }

    function addChooser(chooser, name) {
        const { threads, rows, runs, next, ends } = JSON.parse(chooser.textContent);
        let taken = [0];

        const body = element("tbody");
        const head = element("tr");
        for (const heading of [words.step, ...threads, words.runs]) {
            head.append(element("th", { scope: "col", textContent: heading }));
        }
        const status = element("p", { className: "status", role: "status" });
        const bar = element("div", { className: "buttons", role: "group" });
        bar.ariaLabel = fill(words.choices, { name });
        const wrapper = element(
            "div",
            { className: "table-wrapper", tabIndex: 0 },
            element("table", { className: "steps" }, element("thead", {}, head), body),
        );
        chooser.append(
            element("p", { className: "caption", textContent: words.chooser }),
            wrapper,
            status,
            bar,
        );
        chooser.hidden = false;

        // A step without an alternative needs no click.
        const goOn = () => {
            while (next[taken.at(-1)].length === 1) {
                taken.push(next[taken.at(-1)][0]);
            }
        };
        const back = () => {
            do {
                taken.pop();
            } while (taken.length > 1 && next[taken.at(-1)].length === 1);
            if (taken.length <= 1) {
                taken = [0];
                goOn();
            }
        };
        const draw = () => {
            body.replaceChildren(
                ...taken.map((step, index) => {
                    const row = element("tr");
                    row.innerHTML = `<th scope="row">${index + 1}</th>${rows[step]}`;
                    return row;
                }),
            );
            const last = taken.at(-1);
            const choose = next[last].map((step) => {
                const [thread, line] = runs[step];
                const text = line ? `${threads[thread]}: ${line}` : fill(words.thread_starts, { thread: threads[thread] });
                return button(text, text, () => {
                    taken.push(step);
                    goOn();
                    draw();
                });
            });
            const undo = button(words.back, `${words.back}: ${name}`, () => {
                back();
                draw();
            });
            const again = button(words.again, `${words.again}: ${name}`, () => {
                taken = [0];
                goOn();
                draw();
            });
            const hadFocus = bar.contains(document.activeElement);
            bar.replaceChildren(...choose, undo, again);
            if (hadFocus) {
                (choose[0] ?? again).focus();
            }
            status.textContent =
                ends[last] === null
                    ? words.which
                    : ends[last] === ""
                      ? words.passed
                      : fill(words.failed, { failure: ends[last] });
        };
        goOn();
        draw();
    }
})();
