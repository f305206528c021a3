"""What keeps the service running and private: masking, retention, limits, health and figures."""
