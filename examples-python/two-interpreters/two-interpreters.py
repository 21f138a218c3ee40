import sys

import two_interpreters

PROGRAM = """
try:
    import two_interpreters
    print(f"Subinterpreter: {two_interpreters.answer()}", flush=True)
except ImportError as error:
    print(f"Subinterpreter: {error}", flush=True)
"""


def run_in_subinterpreter(program):
    if sys.version_info >= (3, 14):
        from concurrent import interpreters

        interpreters.create().exec(program)
    elif sys.version_info >= (3, 13):  # the module has no public name yet
        import _interpreters

        _interpreters.exec(_interpreters.create(), program)
    else:
        import _xxsubinterpreters

        _xxsubinterpreters.run_string(_xxsubinterpreters.create(), program)


if __name__ == "__main__":
    print(f"Main interpreter: {two_interpreters.answer()}", flush=True)
    run_in_subinterpreter(PROGRAM)
