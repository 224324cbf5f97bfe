"""The study as a whole: which notebooks are out of date, how they run, and the book they make."""
