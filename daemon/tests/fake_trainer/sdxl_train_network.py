#!/usr/bin/env python3
"""The fake trainer for SDXL: see train_network.py."""
from train_network import train

if __name__ == "__main__":
    train(sdxl=True)
