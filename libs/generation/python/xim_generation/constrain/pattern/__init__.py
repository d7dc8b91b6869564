"""Patterns of ECMA-262 in the syntax of Rust's `regex` crate. Standard library only."""

from .regex import found_in, to_rust, whole

__all__ = ["found_in", "to_rust", "whole"]
