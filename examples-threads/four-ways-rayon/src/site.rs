//! The site whose words are counted. It stands for a slow server.
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Number of pages on the site.
pub(crate) const PAGES: usize = 12;
/// Number of pages that the client has to fetch at the same time.
pub(crate) const AT_ONCE: usize = 4;

const TEXT: &str = "<p>A thread waits for a page, a task waits for a page \
    and a process waits for a page. The words on the page are counted when \
    the wait is over, and the site is slow on purpose.</p>\n";

/// Starts the site in a thread of its own. It answers four requests
/// together, once all four have arrived. So a client that sends fewer at a
/// time hangs.
pub(crate) fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?; // on any free port
    let address = listener.local_addr()?;
    thread::spawn(move || -> io::Result<()> {
        for _ in 0..PAGES / AT_ONCE {
            let four: Vec<_> = listener.incoming().take(AT_ONCE).collect();
            thread::sleep(Duration::from_millis(100));
            for request in four {
                answer(request?)?;
            }
        }
        Ok(())
    });
    Ok(address)
}

/// Answers a request such as `GET /7 HTTP/1.0`. Later pages are longer.
fn answer(mut connection: TcpStream) -> io::Result<()> {
    let lines = BufReader::new(&connection).lines().map_while(Result::ok);
    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let path = head.first().and_then(|line| line.split(' ').nth(1));
    let page = path.and_then(|path| path.get(1..)?.parse().ok());
    let text = TEXT.repeat(20 + page.unwrap_or(0));
    let html = format!("HTTP/1.0 200 OK\r\n\r\n<h1>Words</h1>\n{text}");
    connection.write_all(html.as_bytes())
}
