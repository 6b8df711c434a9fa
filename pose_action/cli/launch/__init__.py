"""What every command starts with: flags, help, errors, configs by name."""
