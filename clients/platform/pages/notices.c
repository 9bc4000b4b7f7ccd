/* The notices of a platform, all invented; their dates move with the calendar. */
#include "platform/pages/notices.h"

#include <string.h>

#include "base/arena.h"
#include "platform/app.h"

enum { NOTICES_SHOWN = 6, DAY_S = 24 * 3600 };

static const struct notice {
    const char *kind_zh, *kind_en, *zh, *en;
} notices[] = {
    {"招标公告", "Tender", "（演示）北岸小学教学楼新建工程施工招标",
     "(Demo) New classroom building, North Bank Primary School"},
    {"采购公告", "Purchase", "（演示）社区卫生站数字影像设备采购",
     "(Demo) Digital imaging equipment for community clinics"},
    {"出让公告", "Land", "（演示）开发区2号地块国有建设用地使用权挂牌出让",
     "(Demo) Land-use right of plot 2, development zone"},
    {"中标公示", "Award", "（演示）环城路桥梁加固工程中标候选人公示",
     "(Demo) Ring-road bridge strengthening: candidates"},
    {"更正公告", "Correction", "（演示）城区供热管网改造工程开标时间更正",
     "(Demo) District heating renewal: opening moved"},
    {"招标公告", "Tender", "（演示）青石滩水库除险加固工程监理招标",
     "(Demo) Supervision of Bluestone reservoir repairs"},
    {"采购公告", "Purchase", "（演示）公交集团纯电动客车采购",
     "(Demo) Battery-electric buses for the bus company"},
    {"成交公告", "Result", "（演示）档案数字化加工服务成交结果",
     "(Demo) Digitisation of archives: result"},
    {"招标公告", "Tender", "（演示）百里草场防火瞭望塔建设工程招标",
     "(Demo) Fire look-out towers on Hundred-Li pasture"},
};

void notices_put(struct page *page)
{
    enum { COUNT = sizeof(notices) / sizeof(*notices) };
    const struct request *rq = page->rq;
    size_t first = strlen(rq->app->settings->name_en); /* platforms do not show all the same */
    page_put(page,
             "<section class=\"card\" id=\"notices\"><h2 class=\"title\">{}</h2>"
             "<ul class=\"notices\">",
             page_say(page, "交易公告", "Notices"), NULL);
    for (size_t i = 0; i < NOTICES_SHOWN; i++) {
        const struct notice *n = &notices[(first + i * 2) % COUNT];
        const char *moment = page_moment(page, rq->now - (int64_t)(i * 2 + 1) * DAY_S);
        const char *day = moment != NULL ? arena_strndup(rq->arena, moment, 10) : NULL;
        page_put(page,
                 "<li><span class=\"kind\">{}</span><span class=\"what\">{}</span>"
                 "<time datetime=\"{}\">{}</time></li>",
                 page_say(page, n->kind_zh, n->kind_en), page_say(page, n->zh, n->en), day, day,
                 NULL);
    }
    page_put(page, "</ul></section>", NULL);
}
