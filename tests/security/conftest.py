from tests.api.conftest import event_loop, gateway

__all__ = ["event_loop", "gateway"]
