"""What the daemon serves on loopback: the HTTP API for programs, pages for people."""
