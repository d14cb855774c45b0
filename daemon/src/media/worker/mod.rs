//! The child's side: reads one plan from standard input, works, reports on standard output.
