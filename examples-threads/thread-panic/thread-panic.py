from concurrent.futures import ThreadPoolExecutor


def price(text):
    return int(text)


# A plain threading.Thread would print the exception and drop it. A future
# keeps it, and raises it in the thread that asks for the result.
with ThreadPoolExecutor(1, "parser") as threads:
    parser = threads.submit(price, "12 EUR")

try:
    print(f"Main: the price is {parser.result()}")
except ValueError as error:
    print("Main: the parser failed")
    print(f"Main: {error}")
print("Main: still running")
