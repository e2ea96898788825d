//! Connections that can be cut: by a scripted fault, or when the playground stops.

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Accepts connections until the process ends; each hangs on `stop`.
pub(super) struct Listener {
    pub(super) tcp: TcpListener,
    pub(super) stop: CancellationToken,
}

impl axum::serve::Listener for Listener {
    type Io = Io;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Io, SocketAddr) {
        loop {
            if let Ok((tcp, address)) = self.tcp.accept().await {
                let _ = tcp.set_nodelay(true);
                let cut = self.stop.child_token();
                let cutting = Box::pin(cut.clone().cancelled_owned());
                return (Io { tcp, cut, cutting }, address);
            }
            // Out of file descriptors: wait for one, as axum itself does.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// Cuts the connection a request came over.
#[derive(Clone)]
pub(super) struct Cut(pub(super) CancellationToken);

impl Connected<IncomingStream<'_, Listener>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        Self(stream.io().cut.clone())
    }
}

/// A connection that ends with a TCP reset once its token is cancelled.
pub(super) struct Io {
    tcp: TcpStream,
    cut: CancellationToken,
    cutting: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Io {
    fn reset(&self) -> Error {
        let _ = self.tcp.set_zero_linger();
        Error::from(ErrorKind::ConnectionReset)
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if self.cutting.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(self.reset()));
        }
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        if self.cut.is_cancelled() {
            return Poll::Ready(Err(self.reset()));
        }
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
