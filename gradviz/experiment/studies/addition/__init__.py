"""The study of addition: a + b mod 97, learned by a small transformer that generalises long after it has memorised."""
