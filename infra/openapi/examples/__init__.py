"""What the routes have answered with, by subject: an example of each `data`."""
