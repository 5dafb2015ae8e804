//! The HTTP floor: POST /static/{me,page,tiny} answers a constant body, a file in FLOOR_DIR. What HTTP alone costs. PORT, FLOOR_DIR.
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{header, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
    Router,
};
use std::{collections::HashMap, sync::Arc};

#[global_allocator]
static ALLOC: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Bodies = Arc<HashMap<String, Bytes>>;

async fn fixed(State(bodies): State<Bodies>, Path(op): Path<String>, _: Bytes) -> Response {
    match bodies.get(&op) {
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], body.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut bodies = HashMap::new();
    for file in std::fs::read_dir(std::env::var("FLOOR_DIR")?)? {
        let path = file?.path();
        if let Some(op) = path.file_stem().and_then(|name| name.to_str()) {
            bodies.insert(op.to_owned(), Bytes::from(std::fs::read(&path)?));
        }
    }
    let router = Router::new().route("/static/{op}", post(fixed)).with_state(Arc::new(bodies));
    let port = std::env::var("PORT").unwrap_or_else(|_| "8105".into()).parse::<u16>()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |s| { let _ = s.set_nodelay(true); }), router).await?;
    Ok(())
}
