mod golden;
mod hostile;
mod rules;
mod world;
