"""What runs this project in the embedded AWS: `make demo`, `make serve`, `make rehearse`, `make card`."""
