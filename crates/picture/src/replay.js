// Replays a recorded run: a cursor moves across its picture, and the output appears line by line.
// Without it the picture and all lines are on the page.
(() => {
    const MAX_LINES = 10;
    const SLOWER = [4, 20];
    const still = matchMedia("(prefers-reduced-motion: reduce)");

    const element = (tag, properties = {}, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children);
        return made;
    };

    // In the page's language.
    const words = document.querySelector(".replay-words")?.dataset;
    if (!words) {
        return;
    }
    const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

    for (const picture of document.querySelectorAll(".recorded .picture")) {
        addReplay(picture, picture.closest(".recorded"));
    }

    function addReplay(picture, recorded) {
        const { example, variant } = picture.closest("[data-example], [data-variant]").dataset;
        const name = example ?? variant;
        const end = Number(picture.dataset.axis);
        const programs = [...recorded.querySelectorAll(".times table")].map((table) => ({
            language: table.caption.textContent,
            lines: [...table.tBodies[0].rows].map((row) => ({
                at: parseFloat(row.cells[0].textContent),
                text: row.querySelector("samp").textContent,
            })),
        }));
        const times = [...new Set(programs.flatMap(({ lines }) => lines.map(({ at }) => at)))];
        times.sort((one, other) => one - other);

        let at = end;
        let last; // The time of the last frame while it plays.

        const cursor = element("div", { className: "cursor", hidden: true });
        const time = element("span", { className: "time" });
        const status = element("span", { className: "status", role: "status" });
        const button = (text, onclick) =>
            element("button", { type: "button", textContent: text, ariaLabel: `${text}: ${name}`, onclick });
        const play = button(words.play, () => (last === undefined ? start() : stop()));
        const previous = button(words.previous, () => {
            toLine(times.findLast((time) => time < at - 1e-9) ?? 0);
        });
        const next = button(words.next, () => {
            toLine(times.find((time) => time > at + 1e-9) ?? end);
        });
        const position = element("input", {
            type: "range",
            className: "position",
            min: 0,
            max: end,
            step: end / 200,
            value: end,
            ariaLabel: `${words.position}: ${name}`,
            oninput() {
                stop();
                show(Number(position.value));
            },
        });
        const option = (factor) =>
            element("option", {
                value: factor,
                textContent: factor === 1 ? words.real : fill(words.slower, { factor }),
            });
        const speed = element("select", {}, ...[1, ...SLOWER].map(option));
        const label = element("label", { className: "speed" }, `${words.speed} `, speed);

        const outputs = programs.map(({ language, lines }) => {
            const shown = element("pre");
            // Its height is that of a full output from the start, so that the page doesn't move.
            shown.style.minHeight = `${Math.min(lines.length, MAX_LINES) * 1.5}em`;
            return { lines, shown, language };
        });
        const output = element(
            "div",
            { className: "outputs", hidden: true },
            ...outputs.map(({ shown, language }) =>
                element("div", {}, element("p", { textContent: fill(words.output, { language }) }), shown),
            ),
        );

        function show(to) {
            at = Math.min(Math.max(to, 0), end);
            cursor.hidden = output.hidden = false;
            cursor.style.left = `${(at / end) * 100}%`;
            position.value = at;
            const text = fill(words.at, { at: `${at.toFixed(2)} s`, end: `${end.toFixed(2)} s` });
            time.textContent = text;
            position.setAttribute("aria-valuetext", text);
            for (const { lines, shown } of outputs) {
                const soFar = lines.filter((line) => line.at <= at + 1e-9);
                const latest = soFar.at(-1)?.at;
                if (shown.dataset.count === String(soFar.length)) {
                    continue;
                }
                shown.dataset.count = soFar.length;
                shown.replaceChildren(
                    ...soFar.slice(-MAX_LINES).map((line) =>
                        element("span", {
                            className: line.at === latest ? "latest" : "",
                            textContent: `${line.at.toFixed(3)} s  ${line.text}\n`,
                        }),
                    ),
                );
                if (soFar.length === 0) {
                    shown.textContent = words.noOutput;
                }
            }
        }

        function toLine(to) {
            stop();
            show(to);
            const here = programs.flatMap(({ lines }) => lines.filter((line) => line.at === to));
            status.textContent = here.map(({ text }) => text).join("; ");
        }

        function start() {
            if (at >= end) {
                show(0);
            }
            status.textContent = "";
            play.textContent = words.pause;
            play.ariaLabel = `${words.pause}: ${name}`;
            last = performance.now();
            requestAnimationFrame(frame);
        }

        function stop() {
            last = undefined;
            play.textContent = words.play;
            play.ariaLabel = `${words.play}: ${name}`;
        }

        function frame(now) {
            if (last === undefined) {
                return;
            }
            show(at + Math.max(now - last, 0) / 1000 / Number(speed.value));
            last = now;
            if (at >= end) {
                stop();
            } else {
                requestAnimationFrame(frame);
            }
        }

        // Without animations, a reader steps through the run.
        const adapt = () => {
            play.hidden = label.hidden = still.matches;
            stop();
        };
        still.addEventListener("change", adapt);
        adapt();

        const replay = element(
            "div",
            { className: "replay", role: "group", ariaLabel: fill(words.label, { example: name }) },
            element("div", { className: "controls" }, play, previous, next, label, time, status),
            position,
            output,
        );
        replay.addEventListener("keydown", (event) => {
            event.stopPropagation(); // with the arrow keys mdBook goes to the next page
        });
        picture.querySelector(".plot").append(cursor);
        picture.querySelector(".description").before(replay);
    }
})();
