"""MediaPipeline for Pulumi programs in any language, through the plugin in `plugin/`."""
