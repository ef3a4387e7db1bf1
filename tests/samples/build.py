"""Writes the samples of exports, every value invented: python -m tests.samples.build."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import xlsxwriter

HERE = Path(__file__).parent
N1, N2, N3, N4 = (f"66f1a2b3c4d5e6f70809{n:04x}" for n in range(1, 5))
Rows = list[list[Any]]


def named(headers: str) -> list[str]:
    """Headers with spaces between; ∅ stands for one that is empty, ␠ for a space in one."""
    return [h.replace("∅", "").replace("␠", " ") for h in headers.split()]


def text(name: str, rows: Rows, *, encoding: str = "utf-8-sig", newline: str = "\n") -> None:
    write(name, (newline.join(",".join(map(str, row)) for row in rows) + newline).encode(encoding))


def workbook(name: str, rows: Rows) -> None:
    """Numbers as numbers, texts as texts."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"created": datetime(2026, 9, 1, tzinfo=UTC)})
        sheet = book.add_worksheet("Sheet1")
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    write(name, buffer.getvalue())


def document(name: str, content: Any) -> None:
    write(name, orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def write(name: str, content: bytes) -> None:
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def juguang() -> None:
    head = named("时间 计划ID 计划名称 笔记ID 消费 展现量 点击量 点击率 点赞 评论 收藏 分享 关注 互动量")
    text("juguang_notes/聚光笔记报表_20260902.csv", [
        head,
        ["合计6条记录", "-", "-", "-", '"1,300.05"', "28000", "-", "-", "-", "-", "-", "-", "-", "-"],
        ["2026-09-01", "101", "合计", N1, '"1,234.56"', '"12,000"', "600", "5.00%", "10", "2", "5", "1", "0", "18"],
        ["2026/09/01", "101", "秋季", N2, "¥12.30", "1.2万", "300", "2.50%", "3", "0", "1", "0", "1", "5"],
        ["20260901", "102", "秋季", N2, "0.00", "0", "0", "#DIV/0!", "-", "-", "-", "-", "-", "-"],
        ["46266", "102", "秋季", N3, "20.00", "<100", "4", "--", "0", "0", "0", "0", "0", "0"],
        ["2026-09-01", "102", "秋季", N3, "20.00", "<100", "4", "--", "0", "0", "0", "0", "0", "0"],
        ["合计汇总", "102", "-", "-", "40.00", "100", "8", "-", "-", "-", "-", "-", "-", "-"],
        ["2026-09-01 13", "102", "秋季", N4, "1.00", "10", "1", "10%", "0", "0", "0", "0", "0", "0"],
        ["2026-09-01", "103", "=HYPERLINK(1)", N4, "待补录", "10", "20", "200%", "0", "0", "0", "0", "0", "0"],
        ["2026-09-01", "103", "<script>x</script>", "6.66E+23", "5.00", "10", "1", "10%", "0", "0", "0", "0", "0", "0"],
    ])  # fmt: skip
    record = {"time": "2026-09-01", "campaign_id": 101, "campaign_name": "秋季", "note_id": N1, "fee": "1234.56",
              "impression": "12000", "click": "600", "ctr": "5.00%", "like": "10", "comment": "2", "collect": "5",
              "share": "1", "follow": "0", "interaction": "18"}  # fmt: skip
    other = record | {"time": "2026-09-02", "fee": "7.5", "like": "-", "interaction": "-"}
    document("juguang_notes/offline_note_20260903.json", {
        "code": 0, "success": True, "msg": "成功",
        "data": {
            "total_count": 3,
            "data_list": [record, other, other | {"fee": "-"}],
            "aggregation_data": {"fee": "1242.06", "impression": "24000"},
        },
    })  # fmt: skip
    text("juguang_notes/聚光 报表 2026-09-04.csv", [
        named("日期 计划ID 内容ID 消耗 曝光量 点击量 点赞 评论 收藏 分享 关注 互动量"),
        ["2026-09-03", "101", N1, "0.00", "0", "7", "0", "0", "0", "0", "0", "0"],
        ["2026-09-03", "101", N2, "12.50", "12.3w", "300", "3", "0", "1", "0", "1", "5"],
        ["2026-09-03", "101", "1.23457E+18", "1.00", "10", "1", "0", "0", "0", "0", "0", "0"],
        ["加微信领取更多数据 vx88", "", "", "", "", "", "", "", "", "", "", ""],
        ["2026-09-02T23:30:00Z", "102", N3, "3.00", "10", "1", "0", "0", "0", "0", "0", "0"],
    ], encoding="utf-8")  # fmt: skip
    text("juguang_notes/聚光 报表 2026-09-05.csv", [head])
    claims = named(
        "行业商品成交订单量（7日) 行业商品成交订单量（15日） 行业商品成交订单量(30日) 行业商品GMV（7日) "
        "行业商品GMV（15日） 行业商品GMV(30日) 行业商品ROI（30日） 7日支付订单量 7日支付金额 直播间支付订单量"
    )
    text("juguang_notes/聚光 成交 2026-09-06.csv", [
        named("时间 计划ID 笔记ID 消费 展现量 点击量") + claims,
        ["2026-09-05", "101", N1, "100.00", "1000", "90", "2", "3", "5", "200", "300.5", '"1,000.00"', "12.00", "-1",
         "-1.00", "-"],
        ["2026-09-05", "102", N1, "10.00", "100", "9", "1", "0", "0", "99.00", "0", "0", "0", "1", "89.00", "2"],
        ["2026-09-05", "101", N2, "0.00", "0", "0", "--", "--", "--", "--", "--", "--", "--", "--", "--", "--"],
    ])  # fmt: skip
    text("juguang_notes/聚光 分时 2026-09-07.csv", [
        named("时间 计划名称 笔记ID 消费 展现量 点击量"),
        ["2026-09-06 13:00", "秋季", N1, "10.00", "100", "5"],
        ["2026-09-06 14:00:00", "秋季", N1, "20.00", "200", "9"],
        ["2026/09/06 15:00", "秋季", N1, "30.00", "300", "9"],
        ["2026-09-06 00:00:00", "秋季", N2, "5.00", "50", "2"],
        ["2026-09-06T00:30:00+08:00", "秋季", N3, "5.00", "50", "2"],
        ["2026-09-06", "合计", "-", "65.00", "650", "25"],
        ["-", "本页合计（5条）", "-", "65.00", "650", "25"],
        ["Total", "", "", "65.00", "650", "25"],
    ])  # fmt: skip


def account_flow() -> None:
    text("juguang_account_flow/账户流水_20260902.csv", [
        ["账户ID", "日期", "资金类型", "流水金额(分)"],
        ["880001", "2026-09-01", "现金", "-123456"],
        ["880001", "2026-09-01", "返货", "-5"],
        ["880001", "2026-09-01", "券", "0"],
        ["880001", "2026-09-01", "授信", "2500"],
        ["880001", "2026-09-01", "赠款", "-100"],
        ["880001", "2026-09-01", "赔付返货", "-1.5"],
        ["合计", "-", "-", "-121061"],
    ])  # fmt: skip


def pugongying() -> None:
    head = named(
        "∅ 笔记id 笔记标题 笔记链接 笔记类型 笔记发布日期 博主昵称 博主UID 报备品牌 博主报价 服务费金额 "
        "曝光量 阅读量 阅读UV 互动量 点赞量 收藏量 评论量 分享量 自然曝光量 自然阅读量 推广曝光量 "
        "推广阅读量 加热曝光量 加热阅读量 发现页 搜索页 发现页 搜索页 任务开始时间 任务结束时间 "
        "任务开始时间 任务结束时间 任务开始时间 任务结束时间 数据更新日期 "
    )

    def row(n: int, note: str, price: Any, fee: Any, reads: Any, **cells: Any) -> list[Any]:
        stated = {"笔记id": note, "笔记标题": f"标题{n}", "笔记类型": "图文", "笔记发布日期": "2026-08-20",
                  "博主昵称": f"博主{n}", "博主UID": f"5f00000000000000000000{n:02d}", "报备品牌": "花间",
                  "博主报价": price, "服务费金额": fee, "曝光量": 50000, "阅读量": reads, "阅读UV": 900, "互动量": 120,
                  "点赞量": 80, "收藏量": 30, "评论量": 8, "分享量": 2, "自然曝光量": 30000, "自然阅读量": 600,
                  "推广曝光量": 20000, "推广阅读量": 400, "发现页": "80%", "数据更新日期": "2026-09-02"}  # fmt: skip
        line = [stated.get(h, "") for h in head]
        for header, value in cells.items():
            line[head.index(header)] = value
        line[head.index("搜索页", head.index("搜索页") + 1)] = "20%"
        line[head.index("任务开始时间", head.index("任务结束时间"))] = "2026-08-21" if n == 2 else ""
        return line

    workbook("pugongying_notes/蒲公英数据_20260903.xlsx", [
        ["数据说明：数据为笔记发布至今的累计值"],
        ["", "基础信息", "", "", "", "", "博主信息", "", "", "", "", "曝光", "阅读"],
        head,
        row(1, N1, 3000, 300, 1000, 加热曝光量=100, 加热阅读量=10),
        row(2, N2, "1,234.50", "123.45", "1.2万", 笔记类型="视频"),
        row(3, N3, "暂停接单", "待补录", 1000),
        row(4, N4, 500.5, 50.05, "10万+"),
        row(5, "6.66E+23", 1, 1, 1),
        ["", "合计", "", "", "", "", "", "", "", 4735, 473.5, 250000],
    ])  # fmt: skip


def pugongying_api() -> None:
    record = {"note_id": N1, "note_type": 1, "kol_id": "5f0000000000000000000001", "kol_nick_name": "博主1",
              "kol_price": 300000, "total_platform_price": 30000, "imp_num": 50000, "read_num": 1000, "read_uv": 900,
              "engage_num": 125, "like_num": 80, "fav_num": 30, "cmt_num": 8, "share_num": 2, "origin_imp_num": 30000,
              "origin_read_num": 600, "promotion_imp_num": 20000, "promotion_read_num": 400, "heat_imp_num": None,
              "heat_read_num": None, "video_play5_s_rate": "12.5", "date_key": "20260902",
              "third_project_data": {"third_project_id": "P1"}}  # fmt: skip
    dated = {"createTime": "2026-08-20 10:00:00"}
    document("pugongying_api_notes/note_post_data_20260903.json", {"code": 0, "data": {"total": 5, "list": [
        record,
        record | {"note_id": N2, "note_type": 2, "like_num": 90},
        record | {"note_id": N3, "imp_num": "<100", "share_num": "-"},
        record | {"note_id": "6.6E+23"},
        record,
    ]}})  # fmt: skip
    document("pugongying_api_notes/note_post_data_web_20260903.json", {"code": 0, "data": [
        record | dated,
        record | dated | {"note_id": N2, "kol_price": "暂停接单"},
        record | dated | {"note_id": N3, "kol_price": "12.5"},
    ]})  # fmt: skip


def xinghe() -> None:
    head = named(
        "日期 内容ID 任务ID 流量类型 归因周期 阅读/播放UV 互动UV 搜索曝光UV 搜索进店UV 进店UV 新客进店uv "
        "商品收藏UV 商品加购UV 关注店铺UV 店铺会员UV 成交UV 商家GMV 订单商品成交GMV 非订单商品成交GMV "
        "新客成交UV 预售付定GMV 成交转化率 "
    )
    good = [1000, 90, 200, 60, 150, 120, 10, 20, 5, 3, 12, "3600.50", "3000.00", "600.50", 7, "0.00", "8.00%"]
    more = [1000, 90, 200, 70, 180, 140, 12, 25, 5, 3, 15, "4500.50", "3700.00", "800.50", 8, "0.00", "8.33%"]
    workbook("xinghe_content_effect/星河内容效果_20260903.xlsx", [
        head,
        ["2026-09-01", N1, "7001", "全部流量", "15", *good],
        ["2026-09-01", N1, "7001", "全部流量", "30", *more],
        ["2026-09-01", N2, "7001", "all", "15天", 80, "<100", *[-1] * 2, 9, 8, *[-1] * 4, "<100", *["-"] * 4, -1, "-"],
        ["2026-09-01", N2, "7001", "全部流量", "", *good],
        ["2026-09-01", "合计", "7001", "全部流量", "15", *good],
    ])  # fmt: skip
    other = named(
        "时间 笔记ID 任务ID 归因口径 阅读UV 手淘搜索曝光UV 手淘搜索进店UV 进店UV 店铺新访客 店铺收藏UV "
        "加购UV 全店成交UV 全店成交GMV（元） 任务商品成交GMV 非任务商品成交GMV 店铺新客UV "
    )
    text("xinghe_content_effect/report 9.3.csv", [
        other,
        ["2026-09-01", N1, "7001", "15", 1000, 200, 60, 150, 120, 10, 20, 12, "3600.50", "3000.00", "600.50", 7],
        ["2026-09-01", N1, "7001", "15", 1000, 200, 60, 150, 120, 10, 20, 12, "3600.50", "3000.00", "600.50", 7],
    ])  # fmt: skip
    document("xinghe_content_effect/EVENT_CONTENT_20260903.json", {"success": True, "data": {"list": [
        {"theDate": "20260901", "contentId": N1, "eventId": 7001, "flowType": "all", "cycle": 30, "readUv1d": "1000",
         "slrAttrSlrVstUv1d": "180", "slrAttrItmOrdUv1d": 15, "slrAttrItmOrdGmv1d": "4500.50", "conversionRate": None},
    ]}})  # fmt: skip
    text("xinghe_task_effect/任务效果_20260903.csv", [
        ["日期", "任务ID", "流量类型", "归因周期", "阅读/播放UV", "进店UV", "成交UV", "商家GMV"],
        ["2026-09-01", "7001", "全部流量", "15", 1050, 155, 12, "3600.50"],
        ["2026-09-01", "7001", "全部流量", "30", 1050, 185, 15, "4500.50"],
        ["2026-09-01", "合计", "全部流量", "30", 1050, 185, 15, "4500.50"],
    ])  # fmt: skip


def xiaohongmeng() -> None:
    head = named("taskId dataCycle dataScope dimension dataCaliber attributionTouchType trafficSource 日期 ")
    figures = named("阅读UV 小红盟站外活跃行为UV 新客进店UV 成交UV 商家GMV")
    claim = ["9001", "30", "ALL", "CONTENT", "支付", "曝光", "all", "2026-09-01"]
    workbook("xiaohongmeng_content_effect/小红盟内容_20260903.xlsx", [
        [*head, "内容ID", *figures],
        [*claim, N1, 2000, 90, 60, 7, 1400.5],
        ["9001", "15日", *claim[2:], N1, 2000, 80, 50, 6, 1200],
        [*claim[:5], "点击", *claim[6:], N1, 2000, 40, 30, 3, 600],
        [*claim, N2, 10, "-1", "--", "<10", "-"],
        ["9001", "", *claim[2:], N2, 10, 5, 1, 0, 0],
        ["合计", "30", "", "", "", "", "", "", "", 4010, 175, 111, 13, 2600.5],
    ])  # fmt: skip
    text("xiaohongmeng_task_effect/小红盟任务_20260903.csv", [
        [*head, *figures],
        [*claim, "2000", "95", "60", "7", "1400.50"],
        [*claim, "2000", "abc", "60", "7", "1400.50"],
    ])  # fmt: skip


def shutiao() -> None:
    head = named("笔记ID 被推广者 实际消耗(元) 实际支付金额(元) 推广总预算(元) 订单状态 启动时间 曝光量 阅读量")
    text("shutiao_orders/薯条订单_20260903.csv", [
        head,
        [N1, "博主1", "98.00", "80.00", "100.00", "推广完成", "2026-09-01 10:00:00", "9000", "700"],
        [N1, "博主1", "98.00", "75.50", "100.00", "推广完成", "2026-09-01 18:30:00", "9000", "700"],
        [N2, "博主2", "0.00", "100.00", "100.00", "推广中", "2026-09-01 11:00:00", "100", "7"],
        [N3, "博主3", "50.00", "", "50.00", "推广完成", "2026-09-01 12:00:00", "100", "7"],
        ["合计", "", "246.00", "155.50", "350.00", "", "", "18200", "1414"],
    ])  # fmt: skip


def lingxi() -> None:
    head = named(
        "笔记ID 作业昵称 笔记标题 创建时间 曝光量 阅读量 互动量 点击率 互动率 I+TI人群数 TI人群数 "
        "进店用户数 TI人群进店兑换比 "
    )
    text("lingxi_notes/灵犀笔记_20260903.csv", [
        head,
        [N1, "博主1", "标题1", "2026-08-20 09:00:00", "5万", "1000", "120", "2.00%", "12%", "300", "80", "9", "3%"],
        [N2, "博主2", '"标题,2"', "2026-08-20 09:00:00", "500", "900", "-", "1.8", "-", "-", "-", "-", "-"],
        [N3, "博主3", "标题3", "2026-08-20 09:00:00", "10万+", "900", "5", "6.38", "-", "-", "-", "-", "-"],
        ["汇总", "-", "-", "-", "50500", "1900", "120", "-", "-", "-", "-", "-", "-"],
        ["合计（3条）:", "-", "-", "-", "50500", "1900", "120", "-", "-", "-", "-", "-", "-"],
        ["平均", "-", "-", "-", "25250", "950", "120", "-", "-", "-", "-", "-", "-"],
    ], encoding="gb18030", newline="\r\n")  # fmt: skip


def taobao() -> None:
    order = {"trade_id": "2000000000000000011", "trade_parent_id": "2000000000000000010", "tk_status": 12,
             "click_time": "2026-09-01 09:00:00", "tk_create_time": "2026-09-01 09:30:00",
             "tk_paid_time": "2026-09-01 09:31:00", "tb_paid_time": "2026-09-01 09:30:59",
             "modified_time": "2026-09-01 09:40:00", "item_id": "610001", "item_title": "精华", "item_num": 1,
             "item_price": "199.00", "order_type": "天猫", "alipay_total_price": "189.00", "pay_price": "0.00",
             "total_commission_rate": "5.00", "refund_tag": 0, "adzone_id": 555, "relation_id": "", "special_id": "--",
             "tb_deposit_time": "--", "deposit_price": "0.00"}  # fmt: skip
    second = order | {"trade_id": "2000000000000000012", "alipay_total_price": "50.50", "relation_id": "880088"}
    received = order | {"tk_status": 14, "modified_time": "2026-09-08 20:00:00", "pay_price": "189.00"}
    presale = order | {"trade_id": "2000000000000000021", "trade_parent_id": "2000000000000000020",
                       "tb_paid_time": "--", "tk_paid_time": "--", "tb_deposit_time": "2026-09-01 10:00:00",
                       "deposit_price": "20.00", "alipay_total_price": "20.00",
                       "modified_time": "2026-09-01 10:05:00"}  # fmt: skip
    closed = order | {"trade_id": "2000000000000000031", "trade_parent_id": "2000000000000000030", "tk_status": 13}
    negative = order | {"trade_id": "2000000000000000041", "alipay_total_price": "-1.00"}
    shop = order | {"trade_id": "2000000000000000051", "order_type": "淘宝"}
    whole = presale | {"trade_id": "2000000000000000022", "tb_paid_time": "2026-09-03 00:05:00",
                       "alipay_total_price": "189.00", "modified_time": "2026-09-03 00:10:00"}  # fmt: skip
    lapsed = presale | {"trade_id": "2000000000000000023", "tk_status": 13, "modified_time": "2026-09-05 00:10:00"}
    document("taobao_alliance_orders/order_details_20260909.json", {"tbk_order_details_get_response": {"data": {
        "results": {"publisher_order_dto": [order, second, received, presale, closed, negative, shop, whole,
                                             lapsed]},
        "has_next": False, "page_no": 1,
    }}})  # fmt: skip
    head = named(
        "创建时间 点击时间 淘宝订单编号 淘宝子订单号 商品ID 商品标题 商品数量 订单状态 订单类型 付款金额 "
        "淘宝付款时间 佣金比率 推广位ID 渠道关系ID "
    )

    def line(parent: Any, trade: Any, status: str, amount: Any, paid: str) -> list[Any]:
        item = ["610001", "精华", 1, status, "天猫", amount, paid, "5.00%", "555", "--"]
        return ["2026-09-02 08:00:00", "2026-09-02 07:00:00", parent, trade, *item]

    paid = "2026-09-02 08:01:00"
    workbook("taobao_alliance_orders/推广订单明细_20260910.xlsx", [
        head,
        line("2000000000000000060", "2000000000000000061", "已付款", 88.8, paid),
        line("2000000000000000070", "2000000000000000071", "已结算", "1,088.00", paid),
        line(2000000000000000080, 2000000000000000081, "已付款", 10, paid),
        line("2000000000000000090", "2000000000000000091", "已失效", 30, "--"),
        line("2000000000000000110", "2000000000000000111", "付款", 20, paid),
        line("2000000000000000120", "2000000000000000121", "确认收货", 20, paid),
        line("2000000000000000130", "2000000000000000131", "结算", 20, paid),
        line("2000000000000000140", "2000000000000000141", "失效", 20, paid),
        line("2000000000000000150", "2000000000000000151", "关闭", 20, "--"),
        ["合计", "", "", "", "", "", 9, "", "", 1316.8],
    ])  # fmt: skip


def jd() -> None:
    order = {"id": "3001_1", "orderId": 300100000001, "parentId": 0, "orderTime": "2026-09-01 12:00:00",
             "finishTime": "", "modifyTime": "2026-09-01 12:05:00", "skuId": 100001, "skuName": "精华",
             "skuNum": 2, "skuReturnNum": 0, "price": "100.00", "estimateCosPrice": "180.00", "actualCosPrice": "0.00",
             "validCode": 16, "plus": 1,
             "positionId": 7, "subUnionId": "note-0001",
             "goodsInfo": {"shopName": "花间京东自营"}}  # fmt: skip
    data = [
        order,
        order | {"orderId": 300100000002, "validCode": 2, "estimateCosPrice": "300.00"},
        order | {"orderId": 300100000003, "parentId": 300100000002, "estimateCosPrice": "200.00"},
        order | {"orderId": 300100000004, "parentId": 300100000002, "estimateCosPrice": "100.00"},
        order | {"orderId": 300100000005, "validCode": 17, "skuReturnNum": 1, "finishTime": "2026-09-05 10:00:00",
                 "actualCosPrice": "90.00", "modifyTime": "2026-09-08 10:00:00"},
        order | {"orderId": 300100000006, "validCode": 22, "subUnionId": ""},
        order | {"orderId": 300100000007, "validCode": 24, "estimateCosPrice": "20.00"},
        order | {"orderId": 300100000008, "orderTime": 1788192000000, "modifyTime": 1788195600000, "finishTime": 0},
        order | {"orderId": 300100000009, "estimateCosPrice": "--"},
        order,
        order | {"orderId": 300100000010, "orderTime": ""},
        # Back before the order is finished: one of three units at 100, one of four at 90, both of two.
        order | {"orderId": 300100000011, "skuNum": 3, "skuReturnNum": 1, "estimateCosPrice": "200.00"},
        order | {"orderId": 300100000012, "validCode": 17, "skuNum": 4, "skuReturnNum": 1, "estimateCosPrice": "270.00",
                 "actualCosPrice": "270.00", "finishTime": "2026-09-05 10:00:00", "modifyTime": "2026-09-05 10:00:00"},
        order | {"orderId": 300100000013, "skuReturnNum": 2, "estimateCosPrice": "0.00"},
        # Back after: all of it.
        order | {"orderId": 300100000014, "validCode": 17, "skuReturnNum": 2, "finishTime": "2026-09-06 10:00:00",
                 "modifyTime": "2026-09-08 10:00:00"},
    ]  # fmt: skip
    inner = orjson.dumps({"code": 200, "data": data, "hasMore": False, "message": "success"}).decode()
    document("jd_union_orders/order_row_20260909.json",
             {"jd_union_open_order_row_query_responce": {"code": "0", "queryResult": inner}})  # fmt: skip


def qianniu() -> None:
    head = named(
        "订单编号 买家会员名 总金额 买家实际支付金额 收货地址␠ 订单创建时间 订单付款时间␠ 退款金额 "
        "宝贝种类 宝贝总数量 订单状态 "
    )

    def row(order: str, member: str, paid: str, at: str, back: str, status: str = "交易成功") -> list[str]:
        return [order, member, "200.00", paid, "某省某市某路1号", "2026-09-01 08:00:00", at, back, "1", "2", status]

    at = "2026-09-01 08:00:30"
    text("qianniu_orders/订单表_20260909.csv", [
        head,
        row("4000000000000000001", "买家一", "189.00", at, "0.00"),
        row("4000000000000000002", "买家一", '"1,189.00"', at, "50.5"),
        row("4000000000000000003", "买家二", "99.00", at, "99.00", "交易关闭"),
        row("4000000000000000004", "买家三", "0.00", "", "0.00", "等待买家付款"),
        row("4.00000E+18", "买家四", "10.00", at, "0"),
        row("4000000000000000006", "买家五", "10.00", at, "--"),
        row("4000000000000000007", "买家六", "10.00", "2026-13-01 00:00:00", "0"),
        ["合计", "", "1800.00", "1497.00", "", "", "", "149.50", "", "", ""],
    ], encoding="gb18030", newline="\r\n")  # fmt: skip


def qianniu_items() -> None:
    """Of two orders that the list of orders has too, the items: of the second, one went back in two parts."""
    head = named(
        "订单编号 子订单编号 买家会员名 买家实际支付金额 订单付款时间 退款金额 退款时间 宝贝总数量 商品ID 订单状态"
    )

    def row(order: str, line: str, paid: str, item: str, back: str = "0.00", at: str = "") -> list[str]:
        return [order, line, "买家一", paid, "2026-09-01 08:00:30", back, at, "1", item, "交易成功"]

    one, two = "4000000000000000001", "4000000000000000002"
    text("qianniu_orders/宝贝列表_20260909.csv", [
        head,
        row(one, "4000000000000000101", "100.00", "610001"),
        row(one, "4000000000000000102", "50.00", "610002"),
        row(one, "4000000000000000103", "39.00", "610003"),
        row(two, "4000000000000000201", "1000.00", "610001"),
        row(two, "4000000000000000202", "189.00", "610002", "50.50", "2026-09-04 10:00:00"),
    ], encoding="gb18030", newline="\r\n")  # fmt: skip


def qianniu_presale() -> None:
    head = named(
        "订单编号 买家会员名 总金额 买家实际支付金额 订单创建时间 订单付款时间 退款金额 宝贝种类 宝贝总数量 订单状态 "
        "定金付款时间 定金金额 尾款金额"
    )

    def row(order: str, paid: str, at: str, status: str, deposit: list[str]) -> list[str]:
        return [order, "买家七", "200.00", paid, "2026-09-01 20:00:00", at, "0.00", "1", "1", status, *deposit]

    at, terms, closed = "2026-09-01 20:00:30", ["20.00", "180.00"], "交易关闭"
    text("qianniu_orders/预售订单_20260912.csv", [
        head,
        row("4000000000000000011", "20.00", "", "等待买家付款", [at, *terms]),
        row("4000000000000000012", "200.00", "2026-09-10 20:01:00", "买家已付款，等待卖家发货", [at, *terms]),
        row("4000000000000000013", "20.00", "", closed, [at, *terms]),
        row("4000000000000000014", "190.00", "2026-09-10 20:02:00", "交易成功", [at, *terms]),
        row("4000000000000000015", "200.00", "2026-09-01 20:00:50", "交易成功", ["--", "", ""]),
        row("4000000000000000016", "0.00", "", "等待买家付款", ["", "", ""]),
    ], encoding="gb18030", newline="\r\n")  # fmt: skip


if __name__ == "__main__":
    builders = (
        juguang,
        account_flow,
        pugongying,
        pugongying_api,
        xinghe,
        xiaohongmeng,
        shutiao,
        lingxi,
        taobao,
        jd,
        qianniu,
        qianniu_items,
        qianniu_presale,
    )
    for build in builders:
        build()
