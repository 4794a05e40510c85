"""The commands of ``trayd``, by subject: options in, an answer of the desk out."""
