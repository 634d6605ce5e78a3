"""What is asked of a published release: figures, what stands behind them, the state of the home."""
