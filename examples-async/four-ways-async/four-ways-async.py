import asyncio
import re
import socket
import time
from collections import Counter
from threading import Thread

PAGES = 12
AT_ONCE = 4
TEXT = (
    "<p>A thread waits for a page, a task waits for a page and a process "
    "waits for a page. The words on the page are counted when the wait is "
    "over, and the site is slow on purpose.</p>\n"
)


# ANCHOR: way
async def main():
    site = start_site()
    permits = asyncio.Semaphore(AT_ONCE)

    async def work(page):
        async with permits:
            html = await fetch(site, page)
        return count(html)

    print_ten(await asyncio.gather(*(work(page) for page in range(PAGES))))
# ANCHOR_END: way


async def fetch(site, page):
    print(f"Page {page} starting")
    reader, writer = await asyncio.open_connection(*site)
    writer.write(f"GET /{page} HTTP/1.0\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    print(f"Page {page} finished")
    return answer.decode().partition("\r\n\r\n")[2]


def count(html):
    text = re.sub("<[^>]*>", " ", html).lower()
    return Counter(re.findall("[a-z]+", text))


def print_ten(counts):
    total = sum(counts, Counter())
    words = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    for word, n in words[:10]:
        print(n, word)


def start_site():
    """A slow site. It waits for four requests, and then answers them."""
    site = socket.create_server(("127.0.0.1", 0))  # on any free port
    Thread(target=serve, args=(site,), daemon=True).start()
    return site.getsockname()


def serve(site):
    for _ in range(PAGES // AT_ONCE):
        four = [site.accept()[0] for _ in range(AT_ONCE)]
        time.sleep(0.1)
        for request in four:
            with request, request.makefile("rb") as head:
                line = head.readline()  # GET /7 HTTP/1.0
                page = int(line.split()[1][1:])
                while head.readline().strip():
                    pass  # the rest of the head
                html = "<h1>Words</h1>\n" + TEXT * (20 + page)
                answer = "HTTP/1.0 200 OK\r\n\r\n" + html
                request.sendall(answer.encode())


asyncio.run(main())
