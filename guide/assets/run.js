// Loaded only where `cargo run -p guide` serves the book: gives each example its Run buttons. A run
// is one request; the server answers with a line of JSON for each event, and closing the connection
// ends the program.
(async () => {
    const MOST_LINES = 2000;
    const still = matchMedia("(prefers-reduced-motion: reduce)");

    const element = (tag, properties = {}, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children);
        return made;
    };

    // The address that guide prints ends in the key that a run needs. It is kept for the other pages
    // and tabs, and removed from the address, which readers share.
    const KEY = "run-key";
    function takeKey() {
        const given = location.hash.match(/^#run=([\w-]+)$/);
        if (given) {
            localStorage.setItem(KEY, given[1]);
            history.replaceState(null, "", location.pathname + location.search);
        }
    }
    addEventListener("hashchange", takeKey);
    takeKey();

    // Only a page with an example has the words; they are in the book's language.
    const table = document.querySelector(".live-words");
    if (!table) {
        return;
    }
    const words = JSON.parse(table.textContent);
    const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

    const answer = await fetch("/run");
    const languages = new Set(await answer.json());

    for (const figure of document.querySelectorAll("figure.example")) {
        const offered = ["rust"];
        if (languages.has("python") && figure.querySelectorAll(".source .command").length > 1) {
            offered.push("python");
        }
        addButtons(figure, offered, figure.dataset.variants?.split(" ") ?? []);
    }

    function addButtons(figure, offered, variants) {
        const name = figure.dataset.example;
        const title = { rust: "Rust", python: "Python" };
        const button = (query, language) => {
            const made = element("button", {
                type: "button",
                className: "run",
                textContent: fill(words.run, { language }),
                ariaLabel: fill(words.run_label, { language, example: name }),
                onclick: () => run(query, language, made),
            });
            return made;
        };
        const programs = offered.map((language) => button(`language=${language}`, title[language]));
        // A variant is the Rust program with arguments that the server knows. Its name stands where
        // the language does.
        const ofVariants = variants.map((variant) =>
            button(`language=rust&variant=${encodeURIComponent(variant)}`, variant),
        );
        const group = element("span", { className: "of-variants", role: "group" }, ...ofVariants);
        group.ariaLabel = fill(words.variants_label, { example: name });
        const buttons = [...programs, ...ofVariants];
        const stop = element("button", {
            type: "button",
            className: "stop",
            textContent: words.stop,
            ariaLabel: fill(words.stop_label, { example: name }),
            disabled: true,
        });
        // The reader's own run takes the place of the tested output and of the recorded run.
        const back = element("button", {
            type: "button",
            className: "back",
            textContent: words.back,
            ariaLabel: fill(words.back_label, { example: name }),
            hidden: true,
            onclick() {
                show(false);
                status.textContent = "";
                buttons[0].focus();
            },
        });
        const show = (live) => {
            panel.hidden = !live;
            back.hidden = !live;
            figure.classList.toggle("live-shown", live);
        };
        const status = element("span", { className: "status", role: "status" });
        const panel = element("div", { className: "live", hidden: true });
        figure.querySelector(".sources").after(
            element(
                "div",
                { className: "buttons" },
                ...programs,
                ...(variants.length > 0 ? [group] : []),
                stop,
                back,
                status,
            ),
            panel,
        );

        async function run(query, language, pressed) {
            const controller = new AbortController();
            const compiler = element("pre", { className: "compiler", hidden: true, tabIndex: 0 });
            const lines = element("samp");
            const log = element("pre", { tabIndex: 0, role: "log" }, lines);
            log.setAttribute("aria-label", fill(words.output_label, { example: name }));
            const picture = element("div");
            const costs = element("p", { className: "costs" });
            let shown = 0;
            let started = false;

            const caption = element("p", {
                className: "caption",
                textContent: fill(words.caption, { language }),
            });
            panel.replaceChildren(caption, compiler, log, picture, costs);
            show(true);
            back.disabled = true;
            status.textContent = words.building;
            // Pressed by keyboard, the focus must not fall to a disabled button.
            stop.disabled = false;
            stop.onclick = () => controller.abort();
            stop.focus();
            buttons.forEach((button) => (button.disabled = true));

            const print = (parent, text, className = "") => {
                if (shown < MOST_LINES) {
                    parent.append(element("span", { className, textContent: `${text}\n` }));
                } else if (shown === MOST_LINES) {
                    parent.append(`${words.more_lines}\n`);
                }
                shown += 1;
            };
            const on = {
                building({ seconds }) {
                    if (seconds > 0) {
                        status.textContent = fill(words.building_for, { seconds });
                    }
                },
                compiler({ text }) {
                    compiler.hidden = false;
                    print(compiler, text);
                },
                refused() {
                    status.textContent = words.refused;
                },
                started() {
                    started = true;
                    status.textContent = words.running;
                    shown = 0;
                },
                line({ at, stream, text }) {
                    print(lines, `${at.toFixed(3)} s  ${text}`, stream);
                },
                timeline({ svg }) {
                    if (!still.matches) {
                        picture.innerHTML = svg;
                    } else {
                        picture.dataset.last = svg;
                    }
                },
                ended({ outcome, success, costs: line }) {
                    status.textContent = success ? words.ended : fill(words.ended_with, { outcome });
                    costs.textContent = line;
                },
                failed({ reason }) {
                    status.textContent = fill(words.failed, { reason });
                },
            };

            try {
                const response = await fetch(`/run/${name}?${query}`, {
                    method: "POST",
                    headers: { "x-run-example": localStorage.getItem(KEY) ?? "" },
                    signal: controller.signal,
                });
                if (!response.ok) {
                    throw new Error(await response.text());
                }
                for await (const event of jsonLines(response.body)) {
                    on[event.event](event);
                }
            } catch (error) {
                const broken = started ? words.broken : words.failed;
                status.textContent = controller.signal.aborted
                    ? words.stopped
                    : fill(broken, { reason: error.message });
            }
            if (picture.dataset.last) {
                picture.innerHTML = picture.dataset.last;
            }
            const hadFocus = document.activeElement === stop;
            buttons.forEach((button) => (button.disabled = false));
            stop.disabled = true;
            back.disabled = false;
            if (hadFocus) {
                pressed.focus();
            }
        }
    }

    async function* jsonLines(body) {
        const reader = body.pipeThrough(new TextDecoderStream()).getReader();
        let rest = "";
        for (;;) {
            const { value, done } = await reader.read();
            if (done) {
                return;
            }
            const lines = (rest + value).split("\n");
            rest = lines.pop();
            for (const line of lines) {
                yield JSON.parse(line);
            }
        }
    }
})();
