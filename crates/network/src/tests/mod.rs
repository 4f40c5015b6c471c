mod hostile;
mod identity;
mod state;
mod wire;
