// The chooser: asks one question after the other, and shows the answer. Without this script the page
// has all questions and answers as a list.
(() => {
    for (const chooser of document.querySelectorAll(".model-chooser")) {
        const questions = [...chooser.querySelectorAll("fieldset")];
        const answers = [...chooser.querySelectorAll(".answer")];
        const again = chooser.querySelector(".again");
        const status = chooser.querySelector("[role=status]");
        const choice = (question) => question.querySelector("input:checked")?.value;

        // The first question that isn't answered with no decides. Those below it keep what the reader
        // chose, for the case that this choice changes. The focus stays where it is, because arrow
        // keys choose; the next question follows in the order of Tab.
        const update = () => {
            const found = questions.findIndex((question) => choice(question) !== "no");
            const at = found === -1 ? questions.length : found;
            const isDecided = at === questions.length || choice(questions[at]) === "yes";
            questions.forEach((question, number) => (question.hidden = number > at));
            answers.forEach((answer, number) => (answer.hidden = !isDecided || number !== at));
            again.hidden = choice(questions[0]) === undefined;
            return (isDecided ? answers[at] : questions[at]).dataset.aloud;
        };
        chooser.addEventListener("change", () => {
            status.textContent = update();
        });
        again.addEventListener("click", () => {
            chooser.querySelectorAll("input").forEach((input) => (input.checked = false));
            status.textContent = update();
            questions[0].querySelector("input").focus();
        });

        update(); // a browser may have kept the choices when it went back to this page
        chooser.querySelector(".tree").hidden = true;
        chooser.querySelector(".questions").hidden = false;
    }
})();
