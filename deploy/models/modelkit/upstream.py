"""What is fetched, and from where."""
from .archives import MIB, Archive

HOST = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/rec"
MODEL = (r"(^|/)[^./][^/]*\.(pdmodel|json)$", r"(^|/)[^./][^/]*\.pdiparams$")
DETECTOR = Archive("detector", f"{HOST}/models/inference/picodet_PPLCNet_x2_5_mainbody_lite_v1.0_infer.tar", MODEL,
                   100 * MIB)
EXTRACTOR = Archive("extractor", f"{HOST}/models/inference/PP-ShiTuV2/general_PPLCNetV2_base_pretrained_v1.0_infer.tar",
                    MODEL, 100 * MIB)
DEMO_SET = Archive("demo-set", f"{HOST}/data/drink_dataset_v2.0.tar",
                   (r"(^|/)gallery/drink_label\.txt$", r"(^|/)test_images/[^/]+\.jpe?g$"), 2048 * MIB)
