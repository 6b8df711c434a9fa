"""The data sets that the library knows, and how to open, download and divide them."""
