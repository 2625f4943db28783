//! Commands, cursors, network, logs and start-up: strongroomd and strongroom.
