"""Mail that comes in: what people ask by mail, bounces and complaints."""
