import python_boundary as rust


# ANCHOR: copies
def copies():
    numbers = [3, 1, 2]
    print(f"list: {rust.sorted(numbers)}, and ours is still {numbers}")
    data = bytes(1_000_000)
    offset = rust.address(data) - id(data)
    print(f"bytes: Rust reads our object, {offset} bytes behind its start")
# ANCHOR_END: copies


# ANCHOR: strings
def strings():
    text = "né🦀"
    print(
        f"str: {len(text)} characters; "
        f"for Rust, bytes and characters: {rust.lengths(text)}"
    )
    attempt("str", rust.lengths, "\ud800")
# ANCHOR_END: strings


# ANCHOR: errors
def errors():
    attempt("parse", rust.parse, "seven")
    attempt("parse", rust.parse, "256")
    attempt("parse", rust.parse, 7)
    attempt("third", rust.third, [1, 2, 2**63])
    try:
        attempt("third", rust.third, [1, 2])
    except BaseException as panic:
        print(f"third: {type(panic).__name__}, not an Exception: {panic}")
# ANCHOR_END: errors


def attempt(name, function, argument):
    try:
        print(f"{name}: {function(argument)}")
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    copies()
    strings()
    errors()
