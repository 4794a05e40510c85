"""How answers are shown to people in the terminal."""
