"""The two networks of PP-ShiTuV2 with seeded random weights, exported as the official archives hold them.

For the self-test only. Nothing is rebuilt here: the layers come from the packages paddledet and paddleclas, whose own
__init__ files are passed over, since they ask for much that no inference needs.
"""
import importlib.util
import sys
import types
from pathlib import Path

PACKAGES = ["ppdet", "ppdet.modeling", "ppdet.modeling.backbones", "ppdet.modeling.necks", "ppdet.modeling.heads",
            "ppdet.modeling.assigners", "ppdet.data", "ppdet.data.transform", "paddleclas", "paddleclas.ppcls",
            "paddleclas.ppcls.arch", "paddleclas.ppcls.arch.backbone", "paddleclas.ppcls.arch.gears",
            "paddleclas.ppcls.utils"]
SEED = 20240924


def bare(name):
    """Registers a package by its place alone, so that its modules can be imported one by one."""
    top = Path(importlib.util.find_spec(name.split(".")[0]).origin).parent
    package = types.ModuleType(name)
    package.__path__ = [str(top.joinpath(*name.split(".")[1:]))]
    return package


sys.modules |= {name: bare(name) for name in PACKAGES}

import numpy as np
import paddle
from paddle import nn
from paddle.static import InputSpec
from paddleclas.ppcls.arch.backbone.variant_models.pp_lcnetv2_variant import PPLCNetV2_base_ShiTu
from paddleclas.ppcls.arch.gears.bnneck import BNNeck
from ppdet.modeling.backbones.lcnet import LCNet
from ppdet.modeling.heads.pico_head import PicoFeat, PicoHead
from ppdet.modeling.layers import MultiClassNMS
from ppdet.modeling.necks.csp_pan import CSPPAN


class NoLoss:
    use_sigmoid = True


class MainBody(nn.Layer):
    """PaddleDetection's picodet_lcnet_x2_5_640_mainbody, as its export runs it."""

    def __init__(self):
        super().__init__()
        self.backbone = LCNet(scale=2.5, feature_maps=[3, 4, 5])
        self.neck = CSPPAN([s.channels for s in self.backbone.out_shape], 128, num_features=4, num_csp_blocks=1)
        self.head = PicoHead(
            conv_feat=PicoFeat(128, 128, num_fpn_stride=4, num_convs=4, share_cls_reg=True), num_classes=1,
            fpn_stride=[8, 16, 32, 64], loss_class=NoLoss(), loss_dfl=None, loss_bbox=None, assigner=None, reg_max=7,
            feat_in_chan=128, cell_offset=0.5, eval_size=[640, 640],
            nms=MultiClassNMS(score_threshold=0.025, nms_top_k=1000, keep_top_k=100, nms_threshold=0.6))

    def features(self, image):
        return self.neck(self.backbone({"image": image}))

    def forward(self, image, scale_factor):
        return self.head.post_process(self.head(self.features(image), True), scale_factor)


class ShiTuFeatures(nn.Layer):
    """PaddleClas's GeneralRecognitionV2_PPLCNetV2_base up to the features, as its export runs it."""

    def __init__(self):
        super().__init__()
        self.backbone = PPLCNetV2_base_ShiTu(class_expand=512)
        self.backbone.stop_after("flatten")
        self.neck = BNNeck(512)

    def forward(self, x):
        return self.neck(self.backbone(x))


def settle(network, run):
    """Gives batch normalisation the statistics of one batch; without them random activations fade to nothing."""
    norms = [l for l in network.sublayers() if hasattr(l, "_mean") and hasattr(l, "_momentum")]
    for norm in norms:
        norm._momentum = 0.0
    network.train()
    with paddle.no_grad():
        run()
    network.eval()


def detector(pictures):
    """A detector that finds some tens of boxes in each of the pictures, float32 [N, 3, 640, 640]."""
    network = MainBody()
    images = paddle.to_tensor(pictures)
    settle(network, lambda: network.head(network.features(images)))
    with paddle.no_grad():
        for head in network.head.head_cls_list:
            head.weight.set_value(paddle.normal(0.0, 0.1, head.weight.shape))
            head.bias.set_value(paddle.normal(0.0, 0.5, head.bias.shape))
        scores, _ = network.head.forward_train(network.features(images))
        logits = np.concatenate([s.numpy().reshape(-1) for s in scores])
        for head in network.head.head_cls_list:
            bias = head.bias.numpy()
            bias[0] -= np.quantile(logits, 0.997)
            head.bias.set_value(paddle.to_tensor(bias))
    # The official archive takes one image: its suppression cannot do more.
    return network, [InputSpec([1, 3, 640, 640], "float32", "image"), InputSpec([1, 2], "float32", "scale_factor")]


def extractor(pictures):
    """An extractor of pictures, float32 [N, 3, 224, 224], its branches already merged."""
    network = ShiTuFeatures()
    settle(network, lambda: network(paddle.to_tensor(pictures)))
    for layer in network.sublayers():
        if hasattr(layer, "re_parameterize"):
            layer.re_parameterize()
    return network, [InputSpec([None, 3, 224, 224], "float32", "x")]


def main():
    """NAME PICTURES.npy FOLDER: writes FOLDER/inference.*, in the older format if FLAGS_enable_pir_api=0."""
    name, pictures, folder = sys.argv[1:]
    paddle.seed(SEED)
    network, inputs = {"detector": detector, "extractor": extractor}[name](np.load(pictures))
    paddle.jit.save(paddle.jit.to_static(network, input_spec=inputs, full_graph=True), f"{folder}/inference")


if __name__ == "__main__":
    main()
